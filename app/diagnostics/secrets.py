"""What is kept of requests and responses: JSON without a secret, and not too long."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LIMIT_BYTES: Final = 16_384
"""Of one request or response, as JSON."""
_REMOVED: Final = "[removed]"
_KNOWN_MIN_CHARACTERS: Final = 6  # a shorter one would be found in every word
_READ_CHARACTERS: Final = 20_480  # of a text, which a provider may make as long as it likes
_TORN_CHARACTERS: Final = 4_000  # at the end of what was read: a secret may have been cut in two there
_CUTS: Final = ((8_000, 200), (2_000, 100), (500, 50), (100, 20), (40, 8))
"""Characters of a text and members of a list or an object; tried in turn until it is short enough."""

_MARK = re.compile(r"… \[cut: [\d,]+ characters in all\]\Z")
_NAMES_A_SECRET = re.compile(
    r"authorization|cookie|passw(or)?d|passphrase|pwd$|secret|credential|signature|"
    r"api[-_]?key|private[-_]?key|access[-_]?key|[-_]key$|(?<![a-z])key$|(?-i:[a-z]Key$)|token$",
    re.IGNORECASE,
)
_NAMED = r"[\w-]{0,40}(?:authorization|cookie|passw(?:or)?d|secret|signature|api[-_]?key|token|(?<![a-z])key)"
_NO_WORD = r"[\w.~+/-]{0,200}(?-i:[A-Z0-9=])|[\w.~+/=-]{16}"  # `basic processing` is two of them
_VALUE = r"(?:\\*\"[^\"]*\"|\\*'[^']*'|[^\s,;&\"'<>]+)"  # JSON in a JSON text has backslashes before its quotes
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", _REMOVED),
        (r"data:[\w.+/-]+;base64,[A-Za-z0-9+/=_-]+", "[data]"),
        (r"\b([a-z][a-z0-9+.-]{0,20}://)[^\s/?#]{1,500}@", rf"\1{_REMOVED}@"),
        (r"\b([a-z][a-z0-9+.-]{0,20}://[^\s?#\"'<>]{1,2000}+)[?#][^\s\"'<>]*", rf"\1?{_REMOVED}"),
        (rf"\b(Bearer|Basic|Digest|Token)\s+(?={_NO_WORD})[A-Za-z0-9._~+/=-]{{6,}}", rf"\1 {_REMOVED}"),
        (r"\beyJ[\w-]{6,4000}+\.[\w-]+(?:\.[\w-]*)?", _REMOVED),
        (r"\b(?:sk|pk|rk|sess)-[\w*-]{8,}", _REMOVED),
        (r"\b(?:AIza[\w-]{20,}|AQ\.[\w-]{20,}|ya29\.[\w.-]{20,}|gh[opsu]_\w{20,}|AKIA[A-Z0-9]{12,})", _REMOVED),
        (r"\b(?:org-|proj_)\w{8,}", _REMOVED),
        (
            rf"\b({_NAMED})([\\\"']{{0,8}}\s*[=:]\s*)(?!{re.escape(_REMOVED)}){_VALUE}",
            rf"\1\2{_REMOVED}",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Removes secrets: `known` are this server's own, wherever they stand; all else goes by how it looks."""

    known: tuple[str, ...] = ()

    def clean(self, value: Any) -> Any:
        """The same JSON without secrets, cut to `LIMIT_BYTES`; what was cut says so."""
        return cut(self.without_secrets(value))

    def without_secrets(self, value: Any) -> Any:
        """The same JSON: what stands under a secret's name, and what looks like a secret in a text, is removed."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(name)): self._member(str(name), one) for name, one in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - anything may be in it
            case list() | tuple():
                return [self.without_secrets(one) for one in value]  # pyright: ignore[reportUnknownVariableType] - the same
            case None | bool() | int() | float():
                return value
            case _:
                return self.text(str(value))

    def text(self, text: str) -> str:
        """A text without secrets, cut where it is longer than anybody would read."""
        if len(text) > _READ_CHARACTERS:
            return f"{self.text(text[:_READ_CHARACTERS])[:-_TORN_CHARACTERS]}{_mark(text)}"
        for secret in self.known:
            if len(secret) >= _KNOWN_MIN_CHARACTERS:
                text = text.replace(secret, _REMOVED)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def _member(self, name: str, value: Any) -> Any:
        if value is not None and not isinstance(value, bool) and _NAMES_A_SECRET.search(name):
            return _REMOVED
        return self.without_secrets(value)


def cut(value: Any) -> Any:
    """The same JSON if it is short enough, else with its long texts, lists and objects cut, each with a mark."""
    if _bytes_of(value) <= LIMIT_BYTES:
        return value
    for characters, members in _CUTS:
        shorter = _shortened(value, characters, members)
        if _bytes_of(shorter) <= LIMIT_BYTES:
            return shorter
    return {"cut": _shortened(json.dumps(value, ensure_ascii=False), LIMIT_BYTES // 8, 1)}


def _bytes_of(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _shortened(value: Any, characters: int, members: int) -> Any:
    if isinstance(value, str) and len(value) > characters:
        return f"{value[:characters]}{_mark(value)}"
    if isinstance(value, list):
        return _shortened_list(value, characters, members)  # pyright: ignore[reportUnknownArgumentType] - anything may be in it
    if isinstance(value, dict):
        return _shortened_object(value, characters, members)  # pyright: ignore[reportUnknownArgumentType] - the same
    return value


def _shortened_list(given: list[Any], characters: int, members: int) -> list[Any]:
    kept = [_shortened(one, characters, members) for one in given[:members]]
    return kept if len(given) <= members else [*kept, f"… [cut: {len(given):,} in all]"]


def _shortened_object(given: dict[str, Any], characters: int, members: int) -> dict[str, Any]:
    some = [*given.items()][:members]
    kept = {name[:characters]: _shortened(one, characters, members) for name, one in some}
    return kept if len(given) <= members else {**kept, "…": f"[cut: {len(given):,} in all]"}


def _mark(text: str) -> str:
    """What is put in the place of the rest; the mark that is there already stays."""
    marked = _MARK.search(text)
    return marked.group() if marked else f"… [cut: {len(text):,} characters in all]"
