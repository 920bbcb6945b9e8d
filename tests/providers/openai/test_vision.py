import base64
from dataclasses import replace

import pytest

from app.costs.usage import Unit
from app.errors import AppError, ErrorCode, FailedCall
from app.providers.openai.client import OpenAIClient
from app.providers.openai.vision import OpenAIVisionModel
from app.providers.ports.model import Reference, Source
from app.providers.ports.vision import Description, VisionModel, VisionRequest
from tests.providers.openai.conftest import NewClient
from tests.providers.openai.standin import Answer, Standin, error
from tests.providers.openai.wire import LOOK, REFERENCES, delta, described, response, said

_ANSWER = Answer((delta("A ring,"), response("completed", said(" A ring,\n\nred. "))))


async def test_description_is_one_paragraph_with_its_usage_and_its_request(client: NewClient) -> None:
    assert await described(client(_ANSWER)) == Description(
        "A ring, red.",
        Source.PROVIDER,
        "gpt-vision",
        usage={
            Unit.INPUT_TEXT_TOKENS: 200,
            Unit.CACHED_INPUT_TOKENS: 100,
            Unit.OUTPUT_TEXT_TOKENS: 80,
            Unit.CALLS: 1,
        },
        provider_request_id="req-1",
    )


async def test_pictures_travel_in_order_in_low_detail(client: NewClient, openai: Standin) -> None:
    await described(client(_ANSWER), replace(LOOK, end_user="user-1"))
    (seen,) = openai.seen
    assert seen.path == "/v1/responses"
    assert seen.json == {
        "model": "gpt-vision",
        "instructions": LOOK.instructions,
        "input": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "input_image",
                        "detail": "low",
                        "image_url": f"data:{one.media_type};base64,{base64.b64encode(one.data).decode()}",
                    }
                    for one in REFERENCES
                ],
            }
        ],
        "safety_identifier": "user-1",
        "store": False,
        "stream": True,
    }


@pytest.mark.parametrize("size", [0, 1, 2, 3, 192 * 1024, 192 * 1024 + 1, 400_000])
async def test_picture_of_any_size_travels_whole(client: NewClient, openai: Standin, size: int) -> None:
    picture = bytes(number % 251 for number in range(size))
    await described(client(_ANSWER), replace(LOOK, pictures=(Reference(picture, "image/png"),) * 2))
    (message,) = openai.seen[0].json["input"]
    urls = [part["image_url"] for part in message["content"]]
    assert [base64.b64decode(url.removeprefix("data:image/png;base64,"), validate=True) for url in urls] == [
        picture
    ] * 2


async def test_nobody_is_named_where_nobody_is_known(client: NewClient, openai: Standin) -> None:
    await described(client(_ANSWER))
    assert "safety_identifier" not in openai.seen[0].json


async def test_request_may_name_another_model(client: NewClient, openai: Standin) -> None:
    answer = await described(client(_ANSWER), replace(LOOK, model="gpt-9"))
    assert (openai.seen[0].json["model"], answer.model) == ("gpt-9", "gpt-9")


async def _failure(client: OpenAIClient, request: VisionRequest = LOOK) -> AppError:
    with pytest.raises(AppError) as caught:
        await described(client, request)
    return caught.value


async def test_without_a_picture_nothing_is_sent(client: NewClient, openai: Standin) -> None:
    failed = await _failure(client(_ANSWER), replace(LOOK, pictures=()))
    assert (failed.code, failed.call) == (ErrorCode.SOURCE_IMAGE_MISSING, FailedCall(sent=False))
    assert not openai.seen


async def test_answer_without_words_is_an_invalid_one(client: NewClient) -> None:
    failed = await _failure(client(Answer((response("completed", said(" \n ")),))))
    assert (failed.code, failed.retryable) == (ErrorCode.INVALID_ANSWER, True)
    assert failed.call is not None
    assert failed.call.request_id == "req-1"
    assert bool(failed.call.usage) != failed.call.maybe_billed, "what it used is told, or nobody knows"


async def test_refusal_is_blocked_content(client: NewClient) -> None:
    refusal = {"type": "refusal", "refusal": "That is a person."}
    failed = await _failure(client(Answer((response("completed", refusal),))))
    assert (failed.code, failed.retryable) == (ErrorCode.CONTENT_BLOCKED, False)
    assert "“That is a person.”" in failed.message


async def test_description_that_is_cut_off_is_an_invalid_one(client: NewClient) -> None:
    cut = response("incomplete", said("A ri"), incomplete_details={"reason": "max_output_tokens"})
    failed = await _failure(client(Answer((cut,))))
    assert (failed.code, failed.retryable) == (ErrorCode.INVALID_ANSWER, True)


async def test_wrong_model_names_the_setting(client: NewClient) -> None:
    failed = await _failure(client(error(404, "No such model.", "model_not_found")))
    assert failed.code == ErrorCode.PROVIDER_NOT_CONFIGURED
    assert "OPENAI_VISION_MODEL" in failed.message


async def test_more_pictures_are_expected_to_use_more(client: NewClient) -> None:
    model: VisionModel = OpenAIVisionModel(client(_ANSWER), "gpt-vision")
    one, two = (model.expected_usage(replace(LOOK, pictures=REFERENCES[:count])) for count in (1, 2))
    assert one[Unit.INPUT_TEXT_TOKENS] < two[Unit.INPUT_TEXT_TOKENS]
    assert (one[Unit.CALLS], model.name, model.model, model.source) == (1, "openai", "gpt-vision", Source.PROVIDER)
