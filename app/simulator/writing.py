"""Texts that fit a JSON schema, always the same for the same seed."""

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_DEPTH_MAX = 6
_ITEMS = 3
_OPENINGS = ("A quiet", "The same", "An old", "Some distant", "One bright", "A half-open")
_THINGS = ("lantern", "river", "staircase", "garden", "window", "letter", "harbour", "mirror")
_DOINGS = ("waits behind", "leads back to", "grows out of", "looks down on", "belongs to", "turns into")
_FORMATS: Final[Mapping[str, str]] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

type Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes values of a schema, the dialect of structured outputs: objects, arrays, anyOf, $ref, enum and bounds.

    Every text in them is `words`; null: made up.
    """

    root: Schema
    seed: str
    words: str | None = None
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        chance = random.Random(hashlib.sha256(self.seed.encode()).digest())  # noqa: S311 - words, no secrets
        object.__setattr__(self, "_chance", chance)

    def value(self) -> Any:
        """One value of the whole schema."""
        return self._value(self.root, "text", 0)

    def _value(self, schema: Schema, name: str, depth: int) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        if several := schema.get("anyOf") or schema.get("oneOf"):
            return self._value(self._one_of(several, depth), name, depth)
        return self._of_type(schema, name, depth)

    def _of_type(self, schema: Schema, name: str, depth: int) -> Any:
        makers: Mapping[str, Callable[[], Any]] = {
            "object": lambda: self._object(schema, depth),
            "array": lambda: self._array(schema, name, depth),
            "integer": lambda: round(self._number(schema)),
            "number": lambda: float(self._number(schema)),
            "boolean": lambda: self._chance.choice((True, False)),
            "null": lambda: None,
            "string": lambda: self._string(schema, name),
        }
        return makers[_type_of(schema)]()

    def _resolved(self, schema: Schema) -> Schema:
        """Follow references, and put together what `allOf` says."""
        while "$ref" in schema:
            found: Any = self.root
            for step in schema["$ref"].removeprefix("#").split("/"):
                found = found[step] if step else found
            schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
        for part in schema.get("allOf", ()):
            schema = {**schema, **self._resolved(part)}
        return schema

    def _one_of(self, schemas: list[Schema], depth: int) -> Schema:
        """The first that says something; null where it goes too deep."""
        nulls = [one for one in schemas if one.get("type") == "null"]
        others = [one for one in schemas if one.get("type") != "null"]
        return nulls[0] if nulls and (depth > _DEPTH_MAX or not others) else others[0]

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        properties: Mapping[str, Schema] = schema.get("properties", {})
        wanted = {name: one for name, one in properties.items() if name in required or depth <= _DEPTH_MAX}
        return {name: self._value(one, name, depth + 1) for name, one in wanted.items()}

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", _ITEMS)
        count = least if depth > _DEPTH_MAX else max(least, min(_ITEMS, most))
        return [self._value(schema.get("items", {}), name, depth + 1) for _ in range(count)]

    def _number(self, schema: Schema) -> float:
        low: float = schema.get("minimum", schema.get("exclusiveMinimum", schema.get("maximum", 100) - 100))
        high: float = schema.get("maximum", schema.get("exclusiveMaximum", low + 100))
        step: float = schema.get("multipleOf", 1)
        middle = low + (high - low) * self._chance.uniform(0.2, 0.8)
        number = round(middle / step) * step
        return number if low <= number <= high else middle

    def _string(self, schema: Schema, name: str) -> str:
        if known := _FORMATS.get(schema.get("format", "")):
            return known
        if self.words is not None:
            return self.words[: schema.get("maxLength", len(self.words))]
        text = f"{self._sentence()} (simulated {name.replace('_', ' ')})."
        least = schema.get("minLength", 0)
        while len(text) < least:
            text += f" {self._sentence()}."
        return text[: schema.get("maxLength", len(text))]

    def _sentence(self) -> str:
        first, second = self._chance.sample(_THINGS, 2)
        return f"{self._chance.choice(_OPENINGS)} {first} {self._chance.choice(_DOINGS)} the {second}"


def _type_of(schema: Schema) -> str:
    """Its type; of several, the first that is not null."""
    named = schema.get("type", "object" if "properties" in schema else "string")
    return named if isinstance(named, str) else next((one for one in named if one != "null"), "null")
