"""Whatever words are in a dream, its page shows them as they are: read here by a CommonMark reader."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.dreams.archive_format import (
    ArchivedDream,
    ArchivedEmotion,
    ArchivedFailure,
    ArchivedIllustration,
    ArchivedInterpretation,
    ArchivedSymbol,
    ArchivedVersion,
)
from app.dreams.archive_markdown import index, inline, line_of, name_of, page, quote
from app.dreams.parts import DreamStatus
from app.errors import ErrorCode
from app.labels import plain, written
from app.providers.ports.model import Source

_AT = datetime(2026, 11, 23, 7, tzinfo=UTC)
_READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_MINE = {"h1", "h2", "h3", "p", "ul", "li", "blockquote", "br", "img"}
_HOSTILE = (
    "# A heading",
    "A heading\n===",
    "A heading\n---",
    "<script>alert(1)</script>",
    "<div>\n\nhidden</div>",
    "<!-- hidden -->",
    "[a link](javascript:alert(1))",
    "[a link]: https://example.com\n\n[a link]",
    "![a picture](https://example.com/spy.png)",
    "<https://example.com>",
    "```\ncode\n```",
    "~~~\ncode",
    "    code",
    "\tcode",
    "a\n\n        code",
    "- a list\n+ a list\n* a list\n1. a list\n2) a list",
    "> a quotation",
    "***",
    "---",
    "a | b\n--- | ---\n1 | 2",
    "a\n:-:",
    "`code` *weak* __strong__ ~~gone~~",
    "&lt;b&gt; &copy; \\*",
    "a backslash \\\nat the end\\",
    "> \n> </blockquote>\n\n# out of it",
    "\r# A heading\r\n# another",
)


def _tags(html: str) -> set[str]:
    return set(re.findall(r"<([a-z0-9]+)", html))


def _dream(text: str, **given: Any) -> ArchivedDream:
    """One whose words are all that text, with a version."""
    made: dict[str, Any] = {"source": Source.PROVIDER, "provider": text, "model": text, "note": text}
    made |= {"made_at": _AT, "generation_id": PydanticObjectId()}
    interpretation = ArchivedInterpretation(
        **made,
        narrative=text,
        meaning=text,
        symbols=(ArchivedSymbol(name=text, meaning=text),),
        emotions=(ArchivedEmotion(name=text, intensity=0.5),),
        suggested_title=text,
    )
    before = ArchivedVersion(id=PydanticObjectId(), interpretation=interpretation, illustration=None, kept_at=_AT)
    told: dict[str, Any] = {
        "id": PydanticObjectId(),
        "title": None,
        "text": text,
        "dreamed_at": _AT,
        "mood": None,
        "lucid": True,
        "tags": (),
        "status": DreamStatus.READY,
        "interpretation": interpretation,
        "illustration": ArchivedIllustration(**made, picture="pictures/a.png"),
        "failure": ArchivedFailure(code=ErrorCode.TIMEOUT, message=text, retryable=True),
        "generation_id": None,
        "versions": (before,),
        "created_at": _AT,
        "changed_at": _AT,
        "trashed_at": _AT,
    }
    return ArchivedDream(**told | given)


def _words(text: str) -> list[str]:
    return unescape(re.sub(r"<[^>]*>", "", text)).split()


@pytest.mark.parametrize("text", _HOSTILE)
def test_hostile_text_is_shown_as_it_stands(text: str) -> None:
    html = _READER.render(quote(text))
    assert _tags(html) <= {"blockquote", "p", "br"}
    assert _words(html) == written(text).split()


@given(st.text(st.sampled_from("ab 1.\n\t\\`*_[](){}<>&#~|$:!-+=/\"'@;^é\u2028\u00a0"), max_size=60))
def test_any_text_is_shown_as_it_stands(text: str) -> None:
    html = _READER.render(f"before\n\n{quote(text)}\n\nafter")
    assert _tags(html) <= {"blockquote", "p", "br"}
    assert _words(html) == ["before", *written(text).split(), "after"]
    line = _READER.render(f"- {inline(text)}\n\nafter")
    assert _tags(line) <= {"ul", "li", "p"}
    assert _words(line) == [*plain(text).split(), "after"]


def test_lines_and_verses_stay_apart() -> None:
    html = _READER.render(quote("I fell.\n  Into the sea.\n\nA whale sang."))
    assert html.count("<p>") == 2
    assert "I fell.<br />" in html
    assert "\u00a0\u00a0Into" in html


@pytest.mark.parametrize("text", _HOSTILE)
def test_page_has_no_headings_links_and_pictures_but_its_own(text: str) -> None:
    told = _dream(text, title=text, mood=text, tags=(text, text))
    html = _READER.render(page(told))
    assert _tags(html) <= _MINE
    assert re.findall(r"<h[1-6]>(.*)</h", html)[1:3] == ["Picture", "Interpretation"]
    assert html.count("<h1>") == 1
    assert html.count("<h2>") == 3
    assert re.findall(r'src="([^"]*)"', html) == ["../pictures/a.png"]
    listed = _READER.render(index([(name_of(told), line_of(told))]))
    assert _tags(listed) <= {"h1", "ul", "li", "a"}
    assert re.findall(r'href="([^"]*)"', listed) == [name_of(told)]


def test_pages_are_named_by_time_and_id_and_by_nobodys_words() -> None:
    told = [
        _dream("a", title="../../etc/passwd", dreamed_at=at)
        for at in (datetime(2026, 11, 23, 7, 5, tzinfo=UTC), datetime(987, 1, 2, tzinfo=UTC))
    ]
    names = [name_of(one) for one in told]
    assert names == [f"dreams/2026-11-23-07-05-{told[0].id}.md", f"dreams/0987-01-02-00-00-{told[1].id}.md"]
    lines = index([(name_of(one), line_of(one)) for one in told]).splitlines()
    assert [line[:12] for line in lines[2:]] == ["- 0987-01-02", "- 2026-11-23"]


def test_journal_without_dreams_has_an_index_that_says_so() -> None:
    assert "There are none." in index([])
