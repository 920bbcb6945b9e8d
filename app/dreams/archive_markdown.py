"""A dream for people: one page of Markdown (CommonMark 0.31) that any reader shows, whatever words are in it.

What people and models have written is quoted, and what Markdown would read in it is escaped: it is shown as it stands,
never as a heading, a link, a picture or HTML.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from app.dreams.archive_format import ArchivedDream, ArchivedIllustration, ArchivedInterpretation, ArchivedVersion
from app.labels import plain, written

_MARKS: Final = re.compile(r"[\\`*_\[\]<>&#~|$]|(?<=:)//|(?<=www)\.|@", re.IGNORECASE)
_START: Final = re.compile(r"^([0-9]*)([-+=:.)])")
"""What makes a list, an underlined heading or a table of a line."""
_TAB: Final = 4
_LONGEST_TITLE: Final = 100


def name_of(dream: ArchivedDream) -> str:
    """The name of its page: by the minute that it was dreamed in (UTC), and by its id; never of anybody's words."""
    minute = dream.dreamed_at.isoformat(timespec="minutes")[:16]
    return f"dreams/{re.sub('[T:]', '-', minute)}-{dream.id}.md"


def title_of(dream: ArchivedDream) -> str:
    """Its owner's title, the suggested one, or how it begins; escaped."""
    suggested = dream.interpretation.suggested_title if dream.interpretation else ""
    title = plain(dream.title or "") or plain(suggested) or plain(dream.text)
    return inline(title if len(title) <= _LONGEST_TITLE or dream.title else title[:_LONGEST_TITLE] + "…")


def page(dream: ArchivedDream) -> str:
    """All of it."""
    blocks = [f"# {title_of(dream)}", "\n".join(_facts(dream)), quote(dream.text)]
    blocks += _parts(dream.interpretation, dream.illustration, "##")
    for version in dream.versions:
        blocks += _version(version)
    return "\n\n".join(blocks) + "\n"


def index(lines: list[tuple[str, str]]) -> str:
    """The list of all pages; `lines` are their names, by which they are sorted, and what is said of each."""
    listed = [line for _, line in sorted(lines)]
    return "\n".join(["# Dreams", "", *(listed or ["There are none."])]) + "\n"


def line_of(dream: ArchivedDream) -> str:
    """Its line in the index."""
    trashed = " (in the trash)" if dream.trashed_at else ""
    return f"- {dream.dreamed_at.date().isoformat()}: [{title_of(dream)}]({name_of(dream)}){trashed}"


def quote(text: str) -> str:
    """A text of several lines, as a block that shows them as they are."""
    lines = [_line(one.rstrip()) for one in written(text).split("\n")]
    broken = [f"{one}  " if one and after else one for one, after in zip(lines, [*lines[1:], ""], strict=True)]
    return "\n".join(f"> {one}" if one else ">" for one in broken)


def inline(text: str) -> str:
    """A text in one line, with no meaning to Markdown."""
    return _line(plain(text))


def _line(line: str) -> str:
    words = line.lstrip(" \t")
    indent = "&nbsp;" * len(line[: len(line) - len(words)].expandtabs(_TAB))
    return indent + _START.sub(r"\1\\\2", _MARKS.sub(r"\\\g<0>", words))


def _facts(dream: ArchivedDream) -> Iterator[str]:
    yield f"- Dreamed: {_moment(dream.dreamed_at)}"
    yield f"- Written down: {_moment(dream.created_at)}"
    if dream.mood:
        yield f"- Mood: {inline(dream.mood)}"
    if dream.lucid is not None:
        yield f"- Lucid: {'yes' if dream.lucid else 'no'}"
    if dream.tags:
        yield f"- Tags: {', '.join(inline(tag) for tag in dream.tags)}"
    yield f"- Status: {inline(dream.status)}"
    if dream.failure:
        yield f"- What failed last: {inline(dream.failure.message)}"
    if dream.trashed_at:
        yield f"- In the trash since: {_moment(dream.trashed_at)}"


def _parts(
    interpretation: ArchivedInterpretation | None, illustration: ArchivedIllustration | None, heading: str
) -> Iterator[str]:
    if illustration:
        yield f"{heading} Picture"
        lost = "The picture was lost before it was exported."
        yield f"![The picture](../{illustration.picture})" if illustration.picture else lost
        yield _made(illustration)
    if interpretation:
        yield f"{heading} Interpretation"
        if interpretation.suggested_title:
            yield f"Suggested title: {inline(interpretation.suggested_title)}"
        yield f"The dream, told anew:\n\n{quote(interpretation.narrative)}"
        yield f"What it may mean:\n\n{quote(interpretation.meaning)}"
        if lines := [f"- {inline(one.name)}: {inline(one.meaning)}" for one in interpretation.symbols]:
            yield "\n".join(["Symbols:", "", *lines])
        if lines := [f"- {inline(one.name)}: {one.intensity:.0%}" for one in interpretation.emotions]:
            yield "\n".join(["Feelings:", "", *lines])
        yield _made(interpretation)


def _version(version: ArchivedVersion) -> Iterator[str]:
    yield f"## Before {_moment(version.kept_at)}"
    yield from _parts(version.interpretation, version.illustration, "###")


def _made(made: ArchivedInterpretation | ArchivedIllustration) -> str:
    note = f" {inline(made.note)}" if made.note else ""
    return f"Made {_moment(made.made_at)} by {inline(made.model)} ({inline(made.provider)}, {made.source}).{note}"


def _moment(moment: datetime) -> str:
    return f"{moment.isoformat(' ', timespec='minutes')[:16]} UTC"
