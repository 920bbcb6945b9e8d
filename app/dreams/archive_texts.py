"""What the README of exported dreams says: it is the format's documentation."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.archives.writing import Entry
from app.dreams.archive_format import DREAMS, FORMAT, INDEX, README, VERSION, ExportFormat

_ALL: Final = f"""\
This archive holds all dreams of one person that Regen exported, those in the trash included and marked.

pictures/HASH.jpg|png|webp   each picture, byte for byte as it was stored; HASH is the SHA-256 of the file
pictures/HASH.json           how that picture was made: the dreams that it was made for, and the generations that made
                             it, with their words, provider, model, attempts, calls, usage and cost (in millionths of
                             the currency, null when it is not known); format "regen.picture", version {VERSION}
"""
_JSON: Final = f"""\
{DREAMS:<29}the dreams, for programs; format "{FORMAT}", version {VERSION}

{DREAMS}:
  dreams          oldest first, by when they were written down:
    id, title, text, dreamedAt, mood, lucid, tags    as their owner told them; null: not told
    status          PROCESSING, READY, READY_WITHOUT_PICTURE, FAILED
    interpretation  narrative, meaning, symbols (name, meaning), emotions (name, intensity from 0 to 1), suggestedTitle;
                    null: there is none
    illustration    picture: the name of its file in this archive; null: it was lost before the export;
                    the illustration itself is null when there is none
                    both say who made them: source (PROVIDER: a model, LOCAL: a lexicon, MOCK: a placeholder), provider,
                    model, note (what it is not), madeAt, generationId
    failure         why the latest work on it failed: code, message, retryable; null: it did not
    generationId    the latest work on it
    versions        what was replaced, newest first: id, interpretation, illustration (null: was not), keptAt
    createdAt, changedAt, trashedAt                  trashedAt null: not in the trash
"""
_MARKDOWN: Final = f"""\
{INDEX:<29}a list of all dreams, by when they were dreamed
dreams/TIME-ID.md            a page for each dream, in Markdown (CommonMark): what was written down, its interpretation
                             and picture, and what was there before

What is quoted in a page stands there as it was written, whatever it looks like. A page says so where a picture was lost
before the export. Export the dreams as JSON for programs.
"""
_TIMES: Final = "Ids are those of the server that made the archive. Times are in UTC.\n"
_WORDS: Mapping[ExportFormat, str] = MappingProxyType({ExportFormat.JSON: _JSON, ExportFormat.MARKDOWN: _MARKDOWN})


def readme(wanted: ExportFormat) -> Entry:
    """For people."""
    return Entry(README, f"{_ALL}{_WORDS[wanted]}\n{_TIMES}".encode())
