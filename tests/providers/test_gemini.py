import asyncio
import base64
import logging
import traceback
from dataclasses import dataclass

import httpx2
import pytest

from app.errors import AppError, ErrorCode
from app.providers.aside import Aside
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Reference, Source, Stage
from tests.providers.conftest import NewGemini
from tests.providers.gemini_standin import PICTURE, Standin

_PROMPT = "Put the ornament on white. Then: make it red."
_REQUEST = ImageRequest(
    ImageTask.REPLACE_BACKGROUND,
    _PROMPT,
    (Reference(b"first picture", "image/jpeg"), Reference(b"second \xff\xfe?>", "image/webp")),
)
_WAIT_S = 10


async def _run(model: ImageModel) -> list[Stage | Preview | MadePicture]:
    return [step async for step in model.run(_REQUEST)]


async def _made(model: ImageModel) -> MadePicture:
    last = (await _run(model))[-1]
    assert isinstance(last, MadePicture)
    return last


async def _failure(model: ImageModel) -> AppError:
    with pytest.raises(AppError) as caught:
        await _run(model)
    return caught.value


async def test_run_yields_rising_stages_then_the_picture(gemini: NewGemini) -> None:
    *stages, made = await _run(gemini("key-picture"))
    percents = [stage.percent for stage in stages if isinstance(stage, Stage)]
    assert len(percents) == len(stages)
    assert percents == sorted(percents)
    assert isinstance(made, MadePicture)


async def test_its_pictures_are_a_providers(gemini: NewGemini) -> None:
    model: ImageModel = gemini("key-picture")
    assert (model.source, (await _made(model)).source) == (Source.PROVIDER, Source.PROVIDER)


async def test_picture_is_the_first_that_is_no_thought(gemini: NewGemini) -> None:
    made = await _made(gemini("key-picture"))
    assert (made.data, made.media_type, made.model) == (PICTURE, "image/png", "gemini-image")
    assert made.provider_request_id == "response-1"


async def test_inline_data_that_is_no_picture_is_passed_over(gemini: NewGemini) -> None:
    made = await _made(gemini("key-sound"))
    assert (made.data, made.media_type) == (PICTURE, "image/webp")


async def test_pictures_arrive_in_order_with_their_types_and_the_prompt_last(
    gemini: NewGemini, google: Standin
) -> None:
    await _made(gemini("key-picture"))
    (seen,) = google.seen
    (content,) = seen.body["contents"]
    *pictures, text = content["parts"]
    assert [
        (base64.urlsafe_b64decode(part["inlineData"]["data"]), part["inlineData"]["mime_type"]) for part in pictures
    ] == [(one.data, one.media_type) for one in _REQUEST.references]
    assert text == {"text": _PROMPT}


async def test_only_an_image_is_asked_for_from_the_configured_model(gemini: NewGemini, google: Standin) -> None:
    await _made(gemini("key-picture", model="gemini-9-image"))
    (seen,) = google.seen
    assert seen.path.endswith("/models/gemini-9-image:generateContent")
    assert seen.body["generationConfig"] == {"responseModalities": ["IMAGE"]}


async def test_google_is_never_given_a_deadline_it_refuses(gemini: NewGemini, google: Standin) -> None:
    await _made(gemini("key-picture", deadline_s=2.5))
    await _made(gemini("key-picture", deadline_s=61.2))
    assert [seen.headers["x-server-timeout"] for seen in google.seen] == ["10", "62"]


@dataclass(frozen=True)
class Meaning:
    """What an answer of the stand-in means, and words its message holds."""

    key: str
    code: ErrorCode
    words: str
    retryable: bool = False
    retry_after_s: float | None = None


_MEANINGS = (
    Meaning("key-prompt-blocked", ErrorCode.CONTENT_BLOCKED, "it may show what is prohibited"),
    Meaning("key-prompt-blocked-unnamed", ErrorCode.CONTENT_BLOCKED, "no reason is given"),
    Meaning("key-image-safety", ErrorCode.CONTENT_BLOCKED, "the picture may break the safety rules"),
    Meaning("key-prohibited", ErrorCode.CONTENT_BLOCKED, "the picture may show what is prohibited"),
    Meaning("key-recitation", ErrorCode.CONTENT_BLOCKED, "too close to an existing work"),
    Meaning("key-no-image", ErrorCode.NO_IMAGE_RETURNED, "without a picture", retryable=True),
    Meaning("key-text-only", ErrorCode.TEXT_INSTEAD_OF_IMAGE, "“Which ornament do you mean?”", retryable=True),
    Meaning("key-nothing", ErrorCode.NO_IMAGE_RETURNED, "without a picture", retryable=True),
    Meaning("key-list", ErrorCode.NO_IMAGE_RETURNED, "without a picture", retryable=True),
    Meaning("key-invalid", ErrorCode.PROVIDER_REJECTED_KEY, "GOOGLE_API_KEY"),
    Meaning("key-unauthenticated", ErrorCode.PROVIDER_REJECTED_KEY, "GOOGLE_API_KEY"),
    Meaning("key-suspended", ErrorCode.PROVIDER_REJECTED_KEY, "has been suspended"),
    Meaning("key-with-ümlaut", ErrorCode.PROVIDER_REJECTED_KEY, "characters that no key has"),
    Meaning("key-with\nline", ErrorCode.PROVIDER_REJECTED_KEY, "characters that no key has"),
    Meaning("key-minute", ErrorCode.RATE_LIMITED, "in 18 s", retryable=True, retry_after_s=17.5),
    Meaning("key-exhausted", ErrorCode.RATE_LIMITED, "in a minute", retryable=True),
    Meaning("key-day", ErrorCode.QUOTA_EXCEEDED, "used up"),
    Meaning("key-limit-zero", ErrorCode.QUOTA_EXCEEDED, "used up"),
    Meaning("key-no-credits", ErrorCode.QUOTA_EXCEEDED, "credits are depleted"),
    Meaning("key-model-gone", ErrorCode.PROVIDER_NOT_CONFIGURED, "GEMINI_IMAGE_MODEL"),
    Meaning("key-text-model", ErrorCode.PROVIDER_NOT_CONFIGURED, "GEMINI_IMAGE_MODEL"),
    Meaning("key-country", ErrorCode.PROVIDER_NOT_CONFIGURED, "User location is not supported"),
    Meaning("key-bad-picture", ErrorCode.BAD_USER_INPUT, "Unable to process input image"),
    Meaning("key-overloaded", ErrorCode.PROVIDER_UNAVAILABLE, "overloaded", retryable=True, retry_after_s=4),
    Meaning("key-deadline", ErrorCode.TIMEOUT, "in time", retryable=True),
    Meaning("key-moved", ErrorCode.PROVIDER_UNAVAILABLE, "status 302", retryable=True),
    Meaning("key-proxy-page", ErrorCode.PROVIDER_UNAVAILABLE, "status 502", retryable=True),
    Meaning("key-broken-json", ErrorCode.PROVIDER_UNAVAILABLE, "can't be read", retryable=True),
    Meaning("key-broken-base64", ErrorCode.PROVIDER_UNAVAILABLE, "can't be read", retryable=True),
    Meaning("key-odd-shape", ErrorCode.PROVIDER_UNAVAILABLE, "can't be read", retryable=True),
    Meaning("key-odd-reason", ErrorCode.PROVIDER_UNAVAILABLE, "can't be read", retryable=True),
    Meaning("key-error-not-unicode", ErrorCode.PROVIDER_UNAVAILABLE, "can't be read", retryable=True),
    Meaning("key-cut-off", ErrorCode.PROVIDER_UNAVAILABLE, "broke off", retryable=True),
)


@pytest.mark.parametrize("meaning", _MEANINGS, ids=lambda meaning: meaning.key.encode("unicode_escape").decode())
async def test_each_failure_has_its_code_and_says_whether_to_retry(gemini: NewGemini, meaning: Meaning) -> None:
    error = await _failure(gemini(meaning.key))
    assert (error.code, error.retryable, error.retry_after_s) == (
        meaning.code,
        meaning.retryable,
        meaning.retry_after_s,
    )
    assert meaning.words in error.message


@pytest.mark.filterwarnings("ignore:MOON_PHASE is not a valid FinishReason:UserWarning")  # the SDK's own remark
async def test_finish_reason_of_tomorrow_is_an_answer_without_a_picture(gemini: NewGemini) -> None:
    error = await _failure(gemini("key-new-reason"))
    assert (error.code, error.retryable) == (ErrorCode.NO_IMAGE_RETURNED, True)


async def test_nothing_is_asked_twice(gemini: NewGemini, google: Standin) -> None:
    for key in ("key-overloaded", "key-minute", "key-cut-off", "key-moved", "key-continuation"):
        google.clear()
        await _failure(gemini(key))
        assert len(google.seen) == 1, key


async def test_thoughts_of_the_model_are_not_quoted(gemini: NewGemini) -> None:
    assert "Plan" not in (await _failure(gemini("key-text-only"))).message


async def test_words_instead_of_a_picture_are_quoted_short_and_without_a_key(gemini: NewGemini) -> None:
    error = await _failure(gemini("key-talkative"))
    _, quote = error.message.split("It says: ")
    assert (error.code, error.retryable) == (ErrorCode.TEXT_INSTEAD_OF_IMAGE, True)
    assert quote.startswith("“I hold [key] and [key]. So sorry.")
    assert len(quote) <= 302


async def test_pages_of_a_proxy_are_not_quoted(gemini: NewGemini) -> None:
    assert "secret.internal" not in (await _failure(gemini("key-proxy-page"))).message


async def test_quotes_are_short_and_hold_no_key(gemini: NewGemini) -> None:
    message = (await _failure(gemini("key-leaky"))).message
    _, quote = message.split("Google says: ")
    assert quote.startswith("“Failed at https://example.test/v1/models for [key] and [key]: very very")
    assert len(quote.strip("“”")) == 300


async def test_silence_is_a_timeout(gemini: NewGemini, google: Standin) -> None:
    error = await _failure(gemini("key-silent", deadline_s=0.2))
    assert (error.code, error.retryable) == (ErrorCode.TIMEOUT, True)
    assert await asyncio.to_thread(google.disconnected.wait, _WAIT_S)


async def test_address_where_nobody_listens_is_unavailable(gemini: NewGemini, unused_tcp_port: int) -> None:
    error = await _failure(gemini("key-picture", base_url=f"http://127.0.0.1:{unused_tcp_port}"))
    assert (error.code, error.retryable) == (ErrorCode.PROVIDER_UNAVAILABLE, True)


@pytest.mark.parametrize("address", ["gemini.example", "ftp://gemini.example", "http://gemini.example:port"])
async def test_address_that_is_none_is_a_matter_of_configuration(gemini: NewGemini, address: str) -> None:
    error = await _failure(gemini("key-picture", base_url=address))
    assert (error.code, error.retryable) == (ErrorCode.PROVIDER_NOT_CONFIGURED, False)
    assert "GOOGLE_GEMINI_BASE_URL" in error.message


async def test_cancelling_closes_the_connection(gemini: NewGemini, google: Standin) -> None:
    task = asyncio.create_task(_run(gemini("key-silent")))
    assert await asyncio.to_thread(google.hung.wait, _WAIT_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(google.disconnected.wait, _WAIT_S)


async def test_deadline_of_the_caller_closes_the_connection(gemini: NewGemini, google: Standin) -> None:
    async def expire(deadline: asyncio.Timeout) -> None:
        assert await asyncio.to_thread(google.hung.wait, _WAIT_S)
        deadline.reschedule(asyncio.get_running_loop().time())

    async def ask() -> None:
        async with asyncio.timeout(None) as deadline:
            expiry = asyncio.create_task(expire(deadline))
            await _run(gemini("key-silent"))
            await expiry

    with pytest.raises(TimeoutError):
        await ask()
    assert await asyncio.to_thread(google.disconnected.wait, _WAIT_S)


async def test_answers_of_all_kinds_leave_their_connection_for_the_next(gemini: NewGemini, google: Standin) -> None:
    http, aside = httpx2.AsyncClient(), Aside()
    for key in ("key-invalid", "key-overloaded", "key-broken-json", "key-broken-base64", "key-no-image"):
        await _failure(gemini(key, http=http, aside=aside))
    await _made(gemini("key-picture", http=http, aside=aside))
    assert len({seen.port for seen in google.seen}) == 1


async def test_cancelled_and_broken_calls_give_their_place_in_the_pool_back(gemini: NewGemini, google: Standin) -> None:
    http, aside = httpx2.AsyncClient(limits=httpx2.Limits(max_connections=1)), Aside()
    task = asyncio.create_task(_run(gemini("key-silent", http=http, aside=aside)))
    assert await asyncio.to_thread(google.hung.wait, _WAIT_S)
    task.cancel()
    await asyncio.wait([task])
    await _failure(gemini("key-cut-off", http=http, aside=aside))
    await _failure(gemini("key-silent", http=http, aside=aside, deadline_s=0.2))
    assert (await _made(gemini("key-picture", http=http, aside=aside))).data == PICTURE


async def test_closing_closes_the_pool(gemini: NewGemini) -> None:
    model = gemini("key-picture")
    await _made(model)
    await model.close()
    assert model.http.is_closed


async def test_closing_twice_does_no_harm(gemini: NewGemini) -> None:
    model = gemini("key-picture")
    await model.close()
    await model.close()


async def test_connecting_is_given_up_before_the_deadline(gemini: NewGemini) -> None:
    model = gemini("key-picture", deadline_s=60)
    seen: list[dict[str, float]] = []

    async def look(request: httpx2.Request) -> None:
        seen.append(dict(request.extensions["timeout"]))

    model.http.event_hooks["request"].append(look)
    await _made(model)
    (timeout,) = seen
    assert (timeout["connect"], timeout["read"]) == (10, 60)


async def test_environment_of_the_sdk_does_not_move_the_call(
    gemini: NewGemini, google: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another")
    await _made(gemini("key-picture"))
    assert google.seen[0].path == "/v1/models/gemini-image:generateContent"


async def test_key_is_not_in_the_representation(gemini: NewGemini) -> None:
    assert "key-picture" not in repr(gemini("key-picture"))


async def test_logs_hold_no_key_prompt_or_picture(gemini: NewGemini, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await _made(gemini("key-picture"))
        await _failure(gemini("key-suspended"))
        await _failure(gemini("key-broken-base64"))
    for secret in ("key-picture", "key-suspended", "make it red", base64.b64encode(PICTURE)[:16].decode()):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    "key", ["key-suspended", "key-leaky", "key-with-ümlaut", "key-with\nline", "key-broken-base64"]
)
async def test_traceback_of_a_failure_quotes_neither_key_nor_answer(gemini: NewGemini, key: str) -> None:
    text = "".join(traceback.format_exception(await _failure(gemini(key))))
    assert key not in text
    assert "%%%" not in text
