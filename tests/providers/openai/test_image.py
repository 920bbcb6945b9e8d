import re
from dataclasses import replace

import pytest

from app.costs.usage import Unit
from app.providers.openai.image import OpenAIImageModel
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Source, Stage
from tests.providers.openai.conftest import NewClient
from tests.providers.openai.standin import Answer, Standin
from tests.providers.openai.wire import CREATE, PICTURE, PROMPT, REFERENCES, completed, made, painted, partial, run

_EDIT = ImageRequest(ImageTask.ADJUST, PROMPT, REFERENCES, previews=2, end_user="user-1")
_PART = re.compile(
    rb'name="([^"]+)"(?:; filename="[^"]+"\r\nContent-Type: (\S+))?\r\n\r\n(.*)\r\n\Z',
    re.DOTALL,
)


def _parts(seen_type: str, body: bytes) -> list[tuple[str, str | None, bytes]]:
    """Name, media type and value of each part of a form."""
    boundary = b"--" + seen_type.partition("boundary=")[2].encode()
    parts: list[tuple[bytes, bytes | None, bytes]] = []
    for part in body.split(boundary)[1:-1]:
        parts += _PART.findall(part)
    return [(name.decode(), kind.decode() if kind else None, value) for name, kind, value in parts]


async def test_picture_is_made_with_its_usage_and_its_request(client: NewClient) -> None:
    assert await made(client(painted())) == MadePicture(
        PICTURE,
        "image/webp",
        Source.PROVIDER,
        "gpt-image",
        usage={
            Unit.INPUT_TEXT_TOKENS: 50,
            Unit.INPUT_IMAGE_TOKENS: 1_000,
            Unit.CACHED_INPUT_TOKENS: 0,
            Unit.OUTPUT_TEXT_TOKENS: 0,
            Unit.OUTPUT_IMAGE_TOKENS: 4_160,
            Unit.PICTURES: 1,
            Unit.CALLS: 1,
        },
        provider_request_id="req-1",
    )


async def test_tokens_at_hand_are_counted_once(client: NewClient) -> None:
    usage = {
        "input_tokens_details": {"text_tokens": 50, "image_tokens": 1_000},
        "cached_tokens_details": {"cached_text_tokens": 40, "cached_image_tokens": 600},
        "output_tokens": 4_160,
        "output_tokens_details": {"text_tokens": 160, "image_tokens": 4_000},
    }
    assert (await made(client(Answer((completed(usage=usage),))))).usage == {
        Unit.INPUT_TEXT_TOKENS: 10,
        Unit.INPUT_IMAGE_TOKENS: 400,
        Unit.CACHED_INPUT_TOKENS: 640,
        Unit.OUTPUT_TEXT_TOKENS: 160,
        Unit.OUTPUT_IMAGE_TOKENS: 4_000,
        Unit.PICTURES: 1,
        Unit.CALLS: 1,
    }


async def test_counts_that_make_no_sense_never_become_negative(client: NewClient) -> None:
    usage = {
        "input_tokens_details": {"text_tokens": 5, "image_tokens": 6},
        "cached_tokens_details": {"cached_text_tokens": 7, "cached_image_tokens": 8},
        "output_tokens": 9,
        "output_tokens_details": {"text_tokens": 10},
    }
    used = (await made(client(Answer((completed(usage=usage),))))).usage
    assert min(used.values()) >= 0


@pytest.mark.parametrize("usage", [None, {}, "free"])
async def test_picture_without_a_usage_is_a_picture(client: NewClient, usage: object) -> None:
    assert (await made(client(Answer((completed(usage=usage),))))).usage == {Unit.PICTURES: 1, Unit.CALLS: 1}


async def test_request_without_references_makes_a_picture_of_the_prompt(client: NewClient, openai: Standin) -> None:
    await made(client(painted()), replace(CREATE, end_user="user-1", previews=3))
    (seen,) = openai.seen
    assert seen.path == "/v1/images/generations"
    assert seen.json == {
        "prompt": PROMPT,
        "model": "gpt-image",
        "output_format": "webp",
        "partial_images": 3,
        "safety_identifier": "user-1",
        "stream": True,
    }


async def test_nobody_is_named_where_nobody_is_known(client: NewClient, openai: Standin) -> None:
    await made(client(painted()))
    assert "safety_identifier" not in openai.seen[0].json


async def test_references_travel_in_order_with_their_types(client: NewClient, openai: Standin) -> None:
    await made(client(Answer((completed(kind="image_edit"),))), _EDIT)
    (seen,) = openai.seen
    assert seen.path == "/v1/images/edits"
    parts = _parts(seen.headers["content-type"], seen.body)
    assert [(name, kind, value) for name, kind, value in parts if kind] == [
        ("image[]", one.media_type, one.data) for one in REFERENCES
    ]
    assert {name: value.decode() for name, kind, value in parts if not kind} == {
        "prompt": PROMPT,
        "model": "gpt-image",
        "output_format": "webp",
        "partial_images": "2",
        "safety_identifier": "user-1",
        "stream": "true",
    }


async def test_one_reference_travels_too(client: NewClient, openai: Standin) -> None:
    await made(client(Answer((completed(kind="image_edit"),))), replace(_EDIT, references=REFERENCES[:1]))
    (seen,) = openai.seen
    kinds = [kind for _, kind, _ in _parts(seen.headers["content-type"], seen.body)]
    assert kinds.count("image/jpeg") == 1


@pytest.mark.parametrize("request_", [replace(CREATE, previews=2), _EDIT], ids=["create", "edit"])
async def test_previews_come_before_the_picture(client: NewClient, request_: ImageRequest) -> None:
    kind = "image_edit" if request_.references else "image_generation"
    events = (partial(b"sketch", 0, kind), partial(b"better", 1, kind), completed(kind=kind))
    updates = await run(client(Answer(events)), request_)
    shown = [update for update in updates if not isinstance(update, Stage)]
    assert shown[:-1] == [Preview(b"sketch", "image/webp"), Preview(b"better", "image/webp")]
    assert isinstance(shown[-1], MadePicture)


async def test_previews_that_nobody_asked_for_are_dropped(client: NewClient) -> None:
    updates = await run(client(painted(partial(b"a", 0), partial(b"b", 1))), replace(CREATE, previews=1))
    assert [update.data for update in updates if isinstance(update, Preview)] == [b"a"]


async def test_stages_rise(client: NewClient) -> None:
    answer = painted(*(partial(b"sketch", number) for number in range(3)))
    updates = await run(client(answer), replace(CREATE, previews=3))
    percents = [update.percent for update in updates if isinstance(update, Stage)]
    assert percents == sorted(set(percents))
    assert percents[-1] < 100


async def test_first_stage_comes_before_anything_is_sent(client: NewClient, openai: Standin) -> None:
    updates = OpenAIImageModel(client(painted()), "gpt-image").run(CREATE)
    assert isinstance(await anext(updates), Stage)
    assert not openai.seen
    await updates.aclose()


async def test_run_makes_one_picture_and_no_second(client: NewClient) -> None:
    updates = await run(client(painted(completed())))
    assert [type(update) for update in updates].count(MadePicture) == 1


async def test_request_may_name_another_model(client: NewClient, openai: Standin) -> None:
    picture = await made(client(painted()), replace(CREATE, model="gpt-image-9"))
    assert (openai.seen[0].json["model"], picture.model) == ("gpt-image-9", "gpt-image-9")


async def test_format_is_the_one_that_the_answer_names(client: NewClient) -> None:
    answer = Answer((completed().replace(b'"webp"', b'"png"'),))
    assert (await made(client(answer))).media_type == "image/png"


async def test_picture_of_some_megabytes_arrives_whole(client: NewClient) -> None:
    picture = PICTURE * 4_000
    assert (await made(client(Answer((completed(picture),))))).data == picture


async def test_more_references_and_previews_are_expected_to_use_more(client: NewClient) -> None:
    model: ImageModel = OpenAIImageModel(client(painted()), "gpt-image")
    few, many = model.expected_usage(CREATE), model.expected_usage(_EDIT)
    assert few[Unit.OUTPUT_IMAGE_TOKENS] < many[Unit.OUTPUT_IMAGE_TOKENS]
    assert few[Unit.INPUT_IMAGE_TOKENS] == 0 < many[Unit.INPUT_IMAGE_TOKENS]
    assert (few[Unit.PICTURES], few[Unit.CALLS]) == (1, 1)


async def test_it_is_openais(client: NewClient) -> None:
    model: ImageModel = OpenAIImageModel(client(painted()), "gpt-image")
    assert (model.name, model.model, model.source) == ("openai", "gpt-image", Source.PROVIDER)
