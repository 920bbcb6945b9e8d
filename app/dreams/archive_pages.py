"""What an archive of dreams says, written dream by dream."""

import json
from dataclasses import dataclass, field
from typing import IO, Protocol

from app.archives.writing import Entry
from app.dreams.archive_format import DREAMS, FORMAT, INDEX, VERSION, ArchivedDream, ExportFormat
from app.dreams.archive_markdown import index, line_of, name_of, page


class Pages(Protocol):
    """Takes dreams in and hands entries out; both may block: call them in a thread."""

    def add(self, dream: ArchivedDream) -> Entry | None:
        """The entry of that dream; null when it has none of its own."""
        ...

    def end(self) -> Entry:
        """The entry that is of all dreams; called once, at last."""
        ...


@dataclass(slots=True)
class JsonPages:
    """`dreams.json`, which grows in a file: it may be too large for the memory."""

    file: IO[bytes]
    _separator: str = "\n"

    def __post_init__(self) -> None:
        self._write(f'{{\n"format": {json.dumps(FORMAT)},\n"version": {VERSION},\n"dreams": [')

    def add(self, dream: ArchivedDream) -> None:
        """Write it."""
        self._write(self._separator + json.dumps(dream.model_dump(mode="json", by_alias=True), ensure_ascii=False))
        self._separator = ",\n"

    def end(self) -> Entry:
        """All of it."""
        self._write("\n]\n}\n")
        return Entry(DREAMS, self.file)

    def _write(self, text: str) -> None:
        self.file.write(text.encode())


@dataclass(slots=True)
class MarkdownPages:
    """A page for each dream, and an index: of each its line alone is remembered."""

    _lines: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def add(self, dream: ArchivedDream) -> Entry:
        """Its page."""
        name = name_of(dream)
        self._lines.append((name, line_of(dream)))
        return Entry(name, page(dream).encode())

    def end(self) -> Entry:
        """The index."""
        return Entry(INDEX, index(self._lines).encode())


def pages_of(wanted: ExportFormat, file: IO[bytes]) -> Pages:
    """Those of that format; they may use the file."""
    return JsonPages(file) if wanted is ExportFormat.JSON else MarkdownPages()
