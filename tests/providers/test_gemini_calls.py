"""What is known of a call to Gemini: what it used, and whether one that failed may be billed."""

import pytest
from google.genai import types

from app.costs.usage import Unit
from app.errors import AppError, FailedCall
from app.providers.gemini.usage import usage_of
from app.providers.ports.image import ImageRequest, ImageTask, MadePicture
from app.providers.ports.model import Reference
from tests.providers.conftest import NewGemini
from tests.providers.gemini_standin import ANSWERS

_REQUEST = ImageRequest(ImageTask.ADJUST, "Make it shine", (Reference(b"a picture", "image/png"),))
_IMAGE, _TEXT = types.MediaModality.IMAGE, types.MediaModality.TEXT


def _counts(**counts: int) -> list[types.ModalityTokenCount]:
    return [types.ModalityTokenCount(modality=types.MediaModality[kind], token_count=n) for kind, n in counts.items()]


def _used(**fields: object) -> dict[Unit, int]:
    told = types.GenerateContentResponseUsageMetadata.model_validate(fields)
    return dict(usage_of(types.GenerateContentResponse(usage_metadata=told)))


def test_tokens_are_counted_by_kind() -> None:
    used = _used(
        prompt_token_count=1300,
        prompt_tokens_details=_counts(TEXT=10, IMAGE=1290),
        candidates_token_count=1302,
        candidates_tokens_details=_counts(TEXT=12, IMAGE=1290),
        thoughts_token_count=200,
    )
    assert used == {
        Unit.INPUT_TEXT_TOKENS: 10,
        Unit.INPUT_IMAGE_TOKENS: 1290,
        Unit.OUTPUT_TEXT_TOKENS: 212,
        Unit.OUTPUT_IMAGE_TOKENS: 1290,
        Unit.PICTURES: 1,
        Unit.CALLS: 1,
    }


def test_cached_tokens_are_counted_once() -> None:
    used = _used(
        prompt_token_count=1300,
        prompt_tokens_details=_counts(TEXT=10, IMAGE=1290),
        cached_content_token_count=1000,
        cache_tokens_details=_counts(IMAGE=1000),
    )
    assert used[Unit.CACHED_INPUT_TOKENS] == 1000
    assert (used[Unit.INPUT_TEXT_TOKENS], used[Unit.INPUT_IMAGE_TOKENS]) == (10, 290)


def test_tokens_without_a_kind_are_counted_all_the_same() -> None:
    used = _used(prompt_token_count=1300, candidates_token_count=1290)
    assert (used[Unit.INPUT_TEXT_TOKENS], used[Unit.OUTPUT_IMAGE_TOKENS]) == (1300, 1290)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"prompt_token_count": -5, "candidates_token_count": -1, "thoughts_token_count": -3},
        {"prompt_token_count": 5, "cached_content_token_count": 50},
        {"prompt_token_count": 5, "prompt_tokens_details": _counts(IMAGE=500)},
        {"candidates_tokens_details": _counts(IMAGE=500), "candidates_token_count": 5},
        {"cache_tokens_details": _counts(IMAGE=500)},
    ],
)
def test_counts_that_make_no_sense_never_become_negative(fields: dict[str, object]) -> None:
    assert all(count >= 0 for count in _used(**fields).values())


def test_answer_without_usage_is_one_call_and_one_picture() -> None:
    assert usage_of(types.GenerateContentResponse()) == {Unit.PICTURES: 1, Unit.CALLS: 1}


async def test_picture_comes_with_its_usage(gemini: NewGemini) -> None:
    made = [one async for one in gemini("key-picture").run(_REQUEST)][-1]
    assert isinstance(made, MadePicture)
    assert made.usage[Unit.OUTPUT_IMAGE_TOKENS] == 1290


async def _call(gemini: NewGemini, key: str, **fields: object) -> FailedCall | None:
    with pytest.raises(AppError) as caught:
        async for _ in gemini(key, **fields).run(_REQUEST):
            pass
    return caught.value.call


@pytest.mark.parametrize("key", sorted(set(ANSWERS) - {"key-picture", "key-sound", "key-new-reason"}))
async def test_every_failure_of_a_call_says_what_is_known_of_it(gemini: NewGemini, key: str) -> None:
    call = await _call(gemini, key)
    assert call is not None
    assert call.sent


@pytest.mark.parametrize("key", ["key-deadline", "key-leaky", "key-broken-json", "key-cut-off", "key-proxy-page"])
async def test_call_whose_answer_was_lost_may_be_billed(gemini: NewGemini, key: str) -> None:
    assert await _call(gemini, key) == FailedCall(maybe_billed=True)


@pytest.mark.parametrize(
    "key", ["key-invalid", "key-suspended", "key-minute", "key-day", "key-model-gone", "key-moved", "key-overloaded"]
)
async def test_call_that_was_refused_is_not_billed(gemini: NewGemini, key: str) -> None:
    assert await _call(gemini, key) == FailedCall()


async def test_answer_without_a_picture_keeps_its_id_and_tells_what_it_used(gemini: NewGemini) -> None:
    for key in ("key-no-image", "key-image-safety"):
        call = await _call(gemini, key)
        assert call is not None
        assert call.request_id == "response-1"
        assert not call.maybe_billed
        assert call.usage["inputTextTokens"] > 0
        assert "pictures" not in call.usage


async def test_prompt_that_was_refused_is_not_billed_and_keeps_its_id(gemini: NewGemini) -> None:
    assert await _call(gemini, "key-prompt-blocked") == FailedCall("response-1")


async def test_silence_may_be_billed(gemini: NewGemini) -> None:
    assert await _call(gemini, "key-silent", deadline_s=0.2) == FailedCall(maybe_billed=True)


async def test_what_never_left_is_neither_sent_nor_billed(gemini: NewGemini, unused_tcp_port: int) -> None:
    not_sent = FailedCall(sent=False)
    assert await _call(gemini, "key-with-ümlaut") == not_sent
    assert await _call(gemini, "key-picture", base_url=f"http://127.0.0.1:{unused_tcp_port}") == not_sent
    assert await _call(gemini, "key-picture", base_url="ftp://gemini.example") == not_sent
