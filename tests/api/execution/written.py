"""The operations that are written down for users, in the README, the manual and the explorer's tabs, with values."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.api.world import Plot

_ROOT: Final = Path(__file__).parents[3]
_FENCED: Final = re.compile(r"```graphql\n(.*?)```(?:\n+```json\n(.*?)```)?", re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"<([a-z ]+) id>")
_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "picture": "Picture",
        "image": "OrnamentImage",
        "generation": "Generation",
        "dream": "Dream",
        "project": "Project",
        "chat": "Chat",
        "main chat": "Chat",
        "frame chat": "Chat",
        "context chat": "Chat",
        "message": "ChatMessage",
        "diagnostics": "Generation",
    }
)
_ARGUMENTS: Final[Mapping[str, str]] = MappingProxyType({"chat": "chatId", "diagnostics": "generationId"})
"""Those that `PLANTS` may know something special for."""
_ELSEWHERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SendMessage": '{"input": {"chatId": "<chat id>", "prompt": "Goldie"}}',
        "DreamUpdates": '{"dreamId": "<dream id>"}',
    }
)
"""Of operations that are written without values."""


@dataclass(frozen=True, slots=True)
class Written:
    """A document as it is written; `values` is JSON with places for ids."""

    place: str
    text: str
    values: str

    @property
    def kind(self) -> str:
        """Query, mutation or subscription."""
        first = self.text.split(maxsplit=1)[0]
        return first if first in {"mutation", "subscription"} else "query"

    @property
    def name(self) -> str:
        """The operation's; empty where it has none."""
        found = re.match(r"\w+ (\w+)", self.text)
        return found[1] if found else ""

    async def variables(self, plot: Plot) -> dict[str, Any]:
        """With ids of what somebody owns; a picture that is there in the place of an upload."""
        values = self.values.replace('"upload": null', '"id": "<picture id>"')
        for name in set(_PLACEHOLDER.findall(values)):
            argument = f"{self.name[:1].lower()}{self.name[1:]}.{_ARGUMENTS.get(name, '')}"
            given = await plot.named(argument, _TYPES[name])
            values = values.replace(f"<{name} id>", given)
        variables: dict[str, Any] = json.loads(values)
        return variables


def written() -> Iterator[Written]:
    """All of them; those of the explorer have the values of the same operation elsewhere."""
    known = dict(_ELSEWHERE)
    for page in (_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))):
        for text, values in _FENCED.findall(page.read_text(encoding="utf-8")):
            one = Written(page.name, _uncommented(text), "")
            known.setdefault(one.name, values or "{}")
            yield Written(page.name, one.text, values or known[one.name])
    for path in sorted((_ROOT / "web" / "src" / "tour").glob("*.graphql")):
        one = Written(path.name, _uncommented(path.read_text(encoding="utf-8")), "")
        yield Written(path.name, one.text, known.get(one.name, "{}"))


def _uncommented(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).strip()
