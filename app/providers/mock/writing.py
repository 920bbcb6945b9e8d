"""Filling a JSON Schema with the words of a text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from math import ceil, floor
from typing import Any, cast

from app.providers.mock.dice import Dice

type Schema = Mapping[str, Any]

_READ_CHARACTERS = 20_000
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")  # noqa: RUF001 - the apostrophe that phones type
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+|\n+")  # noqa: RUF001 - full stops of other scripts
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = re.compile(
    r"title|name|label|symbol|emotion|keyword|tag|mood|theme|word|category|kind|type|colou?r", re.IGNORECASE
)
_SENTENCES, _SENTENCE_WORDS, _TITLE_WORDS, _ITEMS, _DEPTH = 3, 30, 4, 3, 4
_WORD_CHARACTERS, _SENTENCE_CHARACTERS = 40, 300
_TELLING_CHARACTERS = 8  # a shorter word rarely says what a text is about
_NO_WORDS = ("…",)


class CantFillError(Exception):
    """A constraint that words can't be made to meet; its text names it."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes instances of a schema; the same text and schema give the same instance.

    `definitions` are what its references lead to.
    """

    words: tuple[str, ...]
    sentences: tuple[str, ...]
    definitions: Mapping[str, Schema]

    @classmethod
    def of(cls, text: str, definitions: Mapping[str, Schema]) -> "Writer":
        """One who knows these words; whatever the text says is data."""
        clean = _UNPRINTABLE.sub(" ", text[:_READ_CHARACTERS])
        words = tuple(dict.fromkeys(word[:_WORD_CHARACTERS] for word in _WORD.findall(clean))) or _NO_WORDS
        parts = (
            " ".join(part.split()[:_SENTENCE_WORDS])[:_SENTENCE_CHARACTERS].rstrip() for part in _SENTENCE.split(clean)
        )
        return cls(words, tuple(part for part in parts if part) or words[:1], definitions)

    def value(self, schema: Schema, path: tuple[str, ...] = ()) -> Any:
        """An instance of a schema; `path` is of the fields that lead to it.

        Raises:
            CantFillError: the schema asks for what can't be made of words.
        """
        schema = self._resolved(schema, path)
        dice = Dice.of(" ".join(self.words).encode(), *(part.encode() for part in path))
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return dice.one_of(cast("Sequence[Any]", schema["enum"]))
        return self._of_type(schema, path, dice)

    def _of_type(self, schema: Schema, path: tuple[str, ...], dice: Dice) -> Any:
        value: Any = None
        match schema.get("type", "string"):
            case "object":
                value = self._object(schema, path)
            case "array":
                value = self._array(schema, path)
            case "integer":
                value = _integer(schema, dice)
            case "number":
                value = _number(schema, dice)
            case "boolean":
                value = dice.whole(0, 1) == 1
            case "null":
                pass
            case _:
                value = self._string(schema, path, dice)
        return value

    def _resolved(self, schema: Schema, path: tuple[str, ...]) -> Schema:
        """The schema itself: references followed, the first of several kinds taken, null where it gets too deep."""
        while True:
            if "$ref" in schema:
                schema = self.definitions[str(schema["$ref"]).rsplit("/", 1)[-1]]
            elif kinds := cast("Sequence[Schema]", schema.get("anyOf") or schema.get("oneOf") or ()):
                nothing = [kind for kind in kinds if kind.get("type") == "null"]
                something = [kind for kind in kinds if kind.get("type") != "null"]
                schema = nothing[0] if not something or (nothing and len(path) > _DEPTH) else something[0]
            elif "allOf" in schema:
                schema = {**schema, **schema["allOf"][0]}
                schema = {key: value for key, value in schema.items() if key != "allOf"}
            else:
                return schema

    def _object(self, schema: Schema, path: tuple[str, ...]) -> dict[str, Any]:
        fields = cast("Mapping[str, Schema]", schema.get("properties", {}))
        required = cast("Sequence[str]", schema.get("required", ()))
        if len(path) > 2 * _DEPTH and required:
            raise CantFillError("it holds itself without end")
        named = [name for name in fields if name in required or len(path) <= _DEPTH]
        filled = {name: self.value(fields[name], (*path, name)) for name in named}
        rest = schema.get("additionalProperties")
        if not fields and isinstance(rest, Mapping):
            keys = self.words[: max(_ITEMS, int(schema.get("minProperties", 0)))]
            return {key: self.value(cast("Schema", rest), (*path, key)) for key in keys}
        return filled

    def _array(self, schema: Schema, path: tuple[str, ...]) -> list[Any]:
        firsts = cast("Sequence[Schema]", schema.get("prefixItems", ()))
        start = [self.value(item, (*path, str(at))) for at, item in enumerate(firsts)]
        items = schema.get("items")
        if not isinstance(items, Mapping):
            return start
        least, most = int(schema.get("minItems", 0)), int(schema.get("maxItems", _ITEMS))
        wanted = least if len(path) > _DEPTH else max(least, min(_ITEMS, most))
        made = [self.value(cast("Schema", items), (*path, str(at))) for at in range(wanted)]
        return [*start, *(_distinct(made) if schema.get("uniqueItems") else made)]

    def _string(self, schema: Schema, path: tuple[str, ...], dice: Dice) -> str:
        for constraint in ("pattern", "format", "contentEncoding"):
            if constraint in schema:
                raise CantFillError(f"{constraint} {schema[constraint]!r}")
        least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 1_000_000))
        text = self._text(path, dice)
        if len(text) < least:
            more = " ".join(islice(cycle(self.words), least))
            text = f"{text} {more}"[: max(least, len(text))]
            text = text[:-1] + "…" if text.endswith(" ") else text
        return _cut(text, least, most)

    def _text(self, path: tuple[str, ...], dice: Dice) -> str:
        """A word in a list of words, a few words for a name, else sentences."""
        names = [part for part in path if not part.isdecimal()]
        in_list = bool(path) and path[-1].isdecimal()
        start = int(path[-1]) if in_list else dice.whole(0, len(self.words) - 1)
        if in_list:
            telling = sorted(self.words, key=lambda word: -min(len(word), _TELLING_CHARACTERS))
            return telling[start % len(telling)].lower()
        if names and _SHORT.search(names[-1]):
            title = " ".join(self.words[start : start + _TITLE_WORDS])
            return title[:1].upper() + title[1:]
        first = dice.whole(0, len(self.sentences) - 1)
        turned = [*self.sentences[first:], *self.sentences[:first]]
        return " ".join(turned[:_SENTENCES])


def _cut(text: str, least: int, most: int) -> str:
    """At most so many characters, at the end of a word where that leaves enough."""
    if len(text) <= most:
        return text
    whole = text[:most].rsplit(" ", 1)[0]
    return whole if len(whole) >= max(least, 1) else text[:most]


def _distinct(values: list[Any]) -> list[Any]:
    return [value for at, value in enumerate(values) if value not in values[:at]]


def _integer(schema: Schema, dice: Dice) -> int:
    step = int(schema.get("multipleOf", 1))
    low, high = _bounds(schema, 1)
    first, last = ceil(low / step), floor(high / step)
    if first > last:
        raise CantFillError(f"no multiple of {step} lies between {low:g} and {high:g}")
    return dice.whole(first, last) * step


def _number(schema: Schema, dice: Dice) -> float:
    if "multipleOf" in schema:
        return _integer({**schema, "multipleOf": max(1, round(schema["multipleOf"]))}, dice) * 1.0
    low, high = _bounds(schema, 0)
    number = round(dice.between(low, high), 2)
    return number if low <= number <= high and not _is_edge(schema, number) else (low + high) / 2


def _is_edge(schema: Schema, number: float) -> bool:
    return number in {schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")}


def _bounds(schema: Schema, beyond: int) -> tuple[float, float]:
    """The least and the greatest number; an exclusive bound lies `beyond` away from it. 0 to 10 where none is given."""
    lows = [schema[key] + extra for key, extra in (("minimum", 0), ("exclusiveMinimum", beyond)) if key in schema]
    highs = [schema[key] - extra for key, extra in (("maximum", 0), ("exclusiveMaximum", beyond)) if key in schema]
    low = max(lows) if lows else min(0, *highs, 0)
    return low, min(highs) if highs else max(10, low + 10)
