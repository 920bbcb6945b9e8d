"""What the comparison with other servers stands on; its figures are measured by `make bench` alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.frames import Frame
from websockets.streams import StreamReader

from app.bootstrap.parts import assemble
from app.settings import load_settings
from bench.comparing import sample
from bench.comparing.answers import OtherAnswerError, check
from bench.comparing.audience import frame_of
from bench.comparing.own import through
from bench.comparing.report import BEGIN, END, as_markdown, put
from bench.comparing.rounds import Request
from bench.comparing.targets import Target
from bench.ours.memory import application
from bench.peers.images import Event, Image, read_images
from bench.peers.written import answer_of, message_of

_ROOT = Path(__file__).parent.parent.parent
_STALL = Target("stall", 20, " ms", 30, 15, most=True)
_RATIO = Target("ratio", 6, "×", 12, 22)


@pytest.mark.parametrize("first", [20, 200])
async def test_ours_and_the_limit_answer_what_is_right(tmp_path: Path, first: int) -> None:
    images = str(sample.write(tmp_path))
    parts = assemble(load_settings({"data_dir": tmp_path, "mongodb_url": None, "redis_url": None}))
    ask = through(application(images, parts))
    for _ in range(3):  # it is answered from what was prepared, too
        ours = await ask(Request(sample.GALLERY, {"first": first}))
        check("ours", json.dumps(ours).encode(), sample.gallery(first))
    check("the limit", answer_of(read_images(images, Image)[:first]), sample.gallery(first))
    await parts.close()


def test_the_raw_sockets_text_is_the_event() -> None:
    told = sample.event("a", 7)
    message = json.loads(message_of(Event.of(told)))
    assert (message["id"], message["type"]) == ("1", "next")
    check("raw", json.dumps(message["payload"]).encode(), {"data": {"generationProgress": told}})


def test_a_moment_means_the_same_however_it_is_written() -> None:
    check("a", b'{"at": "2026-01-01T01:00:00.000Z", "extensions": {}}', {"at": "2026-01-01T02:00:00+01:00"})


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"a": [1, 2]}', "answer.a.1 is 2, not 3"),
        (b'{"a": [1]}', "answer.a holds 1, not 2"),
        (b'{"a": [1, 3], "b": null}', "answer has"),
        (b'{"a": [true, 3]}', "answer.a.0 is True, not 1"),
        (b"<html>", "no JSON"),
    ],
)
def test_another_answer_ends_the_comparison(body: bytes, where: str) -> None:
    with pytest.raises(OtherAnswerError, match=where):
        check("a", body, {"a": [1, 3]})


def test_a_target_says_whether_it_is_reached() -> None:
    assert _STALL.reached == "yes"
    assert replace(_STALL, figure=15).reached == "hoped for"
    assert replace(_STALL, figure=60).reached == "no: 50% of it"
    assert _RATIO.reached == "no: 50% of it"
    assert replace(_RATIO, figure=12).reached == "yes"
    assert replace(_RATIO, figure=23).reached == "hoped for"


def test_the_readme_has_one_place_for_the_tables() -> None:
    text = (_ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text.index(BEGIN) < text.index(END)


def test_tables_take_the_place_of_older_ones() -> None:
    table = as_markdown(("", "µs"), [("a", "1")])
    once = put(f"before\n{BEGIN}\n{END}\nbehind\n", table)
    assert once == f"before\n{BEGIN}\n| --- |\n{END}\nbehind\n".replace("| --- |", table)
    assert put(once, table) == once
    with pytest.raises(ValueError, match="bench:begin"):
        put("nothing", table)


@pytest.mark.parametrize("size", [5, 125, 126, 4_000])
def test_a_subscribers_frame_is_read_by_a_server(size: int) -> None:
    reader = StreamReader()
    reader.feed_data(frame_of(b"a" * size))
    parsing = Frame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as parsed:
        next(parsing)
    assert parsed.value.value.data == b"a" * size
