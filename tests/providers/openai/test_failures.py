"""What each thing that can go wrong means."""

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from app.errors import AppError, ErrorCode, FailedCall
from app.providers.openai.client import OpenAIClient
from tests.providers.openai.conftest import NewClient
from tests.providers.openai.standin import Answer, End, Standin, base64_of, error, event
from tests.providers.openai.wire import PICTURE, completed, described, failure, partial, response, said, written

_REFUSED = FailedCall("req-1")
_LOST = FailedCall("req-1", maybe_billed=True)


@dataclass(frozen=True)
class Meaning:
    """What an answer means, and words its message holds."""

    claim: str
    answer: Answer
    code: ErrorCode
    words: str
    call: FailedCall = _REFUSED
    retryable: bool = False
    retry_after_s: float | None = None


def _page(status: int) -> Answer:
    return Answer(
        (b"<html>Bad gateway of host secret.internal</html>",),
        status,
        {"content-type": "text/html", "location": "/v1/elsewhere"},
    )


def _stream(*pieces: bytes) -> Answer:
    return Answer(pieces)


_STATUSES = (
    Meaning("401", error(401, "No such key.", "invalid_api_key"), ErrorCode.PROVIDER_REJECTED_KEY, "OPENAI_API_KEY"),
    Meaning("403", error(403, "You may not."), ErrorCode.PROVIDER_REJECTED_KEY, "“You may not.”"),
    Meaning("model-404", error(404, "Gone."), ErrorCode.PROVIDER_NOT_CONFIGURED, "Set OPENAI_IMAGE_MODEL."),
    Meaning(
        "model-forbidden",
        error(403, "Project proj_abcdefghij has no access.", "model_not_found"),
        ErrorCode.PROVIDER_NOT_CONFIGURED,
        "'gpt-image'",
    ),
    Meaning(
        "rate-limit",
        error(429, "Slower.", "rate_limit_exceeded", headers={"retry-after": "17.5"}),
        ErrorCode.RATE_LIMITED,
        "in 18 s",
        retryable=True,
        retry_after_s=17.5,
    ),
    Meaning("rate-limit-unknown", error(429, ""), ErrorCode.RATE_LIMITED, "in a minute", retryable=True),
    Meaning(
        "quota",
        error(429, "Pay.", "insufficient_quota", headers={"retry-after": "5"}),
        ErrorCode.QUOTA_EXCEEDED,
        "used up",
    ),
    Meaning("hard-limit", error(400, "Pay.", "billing_hard_limit_reached"), ErrorCode.QUOTA_EXCEEDED, "used up"),
    Meaning("moderation", error(400, "Unsafe.", "moderation_blocked"), ErrorCode.CONTENT_BLOCKED, "“Unsafe.”"),
    Meaning("policy", error(400, "Unsafe.", "content_policy_violation"), ErrorCode.CONTENT_BLOCKED, "refuses"),
    Meaning("400", error(400, "Bad picture.", "invalid_image"), ErrorCode.BAD_USER_INPUT, "“Bad picture.”"),
    Meaning("413", _page(413), ErrorCode.BAD_USER_INPUT, "can't work on this request"),
    Meaning("422", error(422, "Odd."), ErrorCode.BAD_USER_INPUT, "“Odd.”"),
    Meaning("408", error(408, "Slow."), ErrorCode.TIMEOUT, "in time", call=_LOST, retryable=True),
    Meaning("504", _page(504), ErrorCode.TIMEOUT, "in time", call=_LOST, retryable=True),
    Meaning("500", error(500, "Oops."), ErrorCode.PROVIDER_UNAVAILABLE, "“Oops.”", call=_LOST, retryable=True),
    Meaning(
        "503",
        error(503, "Full.", headers={"retry-after-ms": "400"}),
        ErrorCode.PROVIDER_UNAVAILABLE,
        "status 503",
        retryable=True,
        retry_after_s=0.4,
    ),
    Meaning("proxy", _page(502), ErrorCode.PROVIDER_UNAVAILABLE, "status 502", call=_LOST, retryable=True),
    Meaning("redirect", _page(302), ErrorCode.PROVIDER_UNAVAILABLE, "status 302", retryable=True),
)
_STREAMS = (
    Meaning(
        "stream-server-error",
        _stream(partial(PICTURE, 0), event("error", error={"code": "server_error", "message": "Oops."})),
        ErrorCode.PROVIDER_UNAVAILABLE,
        "“Oops.”",
        call=_LOST,
        retryable=True,
    ),
    Meaning(
        "stream-flat-error",
        _stream(event("error", code="rate_limit_exceeded", message="Slower.", param=None)),
        ErrorCode.RATE_LIMITED,
        "“Slower.”",
        retryable=True,
    ),
    Meaning(
        "stream-quota",
        _stream(event("error", error={"type": "insufficient_quota", "message": "Pay."})),
        ErrorCode.QUOTA_EXCEEDED,
        "used up",
    ),
    Meaning(
        "stream-moderation",
        _stream(event("error", error={"code": "moderation_blocked", "message": "Unsafe."})),
        ErrorCode.CONTENT_BLOCKED,
        "“Unsafe.”",
        call=_LOST,
    ),
    Meaning(
        "stream-bad-picture",
        _stream(event("error", error={"code": "image_parse_error", "message": "Odd."})),
        ErrorCode.BAD_USER_INPUT,
        "“Odd.”",
    ),
    Meaning(
        "stream-users-error",
        _stream(event("error", error={"type": "image_generation_user_error", "message": "Odd."})),
        ErrorCode.BAD_USER_INPUT,
        "“Odd.”",
    ),
    Meaning(
        "response-failed",
        _stream(response("failed", error={"code": "server_error", "message": "Oops."})),
        ErrorCode.PROVIDER_UNAVAILABLE,
        "“Oops.”",
        call=_LOST,
        retryable=True,
    ),
    Meaning(
        "response-failed-oddly",
        _stream(event("response.failed", response="none")),
        ErrorCode.PROVIDER_UNAVAILABLE,
        "could not finish",
        call=_LOST,
        retryable=True,
    ),
)
_UNREADABLE = tuple(
    Meaning(claim, answer, ErrorCode.PROVIDER_UNAVAILABLE, words, call=_LOST, retryable=True)
    for claim, answer, words in (
        ("ended-early", _stream(partial(PICTURE, 0)), "broke off"),
        ("nothing", _stream(), "broke off"),
        ("no-stream", _page(200), "broke off"),
        ("done-at-once", _stream(b"data: [DONE]\n\n"), "can't be read"),
        ("half-an-event", _stream(completed()[:-9]), "broke off"),
        ("cut", Answer((partial(PICTURE, 0), b"data: "), end=End.CUT), "broke off"),
        ("broken-json", _stream(b'data: {"type": \n\n'), "can't be read"),
        ("list", _stream(b"data: []\n\n"), "can't be read"),
        ("broken-base64", _stream(event("image_generation.completed", b64_json="%%%")), "can't be read"),
        ("huge", _stream(b"data: " + b"x" * 33_600_000), "longer than any"),
    )
)
_PICTURELESS = (
    Meaning(
        "no-picture",
        _stream(completed(None)),
        ErrorCode.NO_IMAGE_RETURNED,
        "without a picture",
        call=_LOST,
        retryable=True,
    ),
    Meaning(
        "empty-picture",
        _stream(completed(b"")),
        ErrorCode.NO_IMAGE_RETURNED,
        "without a picture",
        call=_LOST,
        retryable=True,
    ),
)


def _facts(error: AppError) -> tuple[object, ...]:
    return error.code, error.retryable, error.retry_after_s, error.call


@pytest.mark.parametrize(
    "meaning", [*_STATUSES, *_STREAMS, *_UNREADABLE, *_PICTURELESS], ids=lambda meaning: meaning.claim
)
async def test_each_failure_has_its_code_and_says_whether_to_retry_and_what_it_may_cost(
    client: NewClient, openai: Standin, meaning: Meaning
) -> None:
    failed = await failure(client(meaning.answer))
    assert _facts(failed) == (meaning.code, meaning.retryable, meaning.retry_after_s, meaning.call)
    assert meaning.words in failed.message
    assert len(openai.seen) == 1  # nothing is asked twice


async def test_request_id_is_null_where_there_is_none(client: NewClient) -> None:
    answer = Answer((b"{}",), 500, {"content-type": "application/json"}, request_id=None)
    assert (await failure(client(answer))).call == FailedCall(None, maybe_billed=True)


async def test_silence_before_the_answer_is_a_timeout_that_may_be_billed(client: NewClient, openai: Standin) -> None:
    failed = await failure(client(Answer(status=None, end=End.NEVER), deadline_s=0.2))
    assert _facts(failed) == (ErrorCode.TIMEOUT, True, None, FailedCall(None, maybe_billed=True))
    assert openai.hung.is_set()


async def test_connection_that_ends_before_the_answer_may_be_billed(client: NewClient) -> None:
    failed = await failure(client(Answer(status=None, end=End.CUT)))
    assert _facts(failed) == (ErrorCode.PROVIDER_UNAVAILABLE, True, None, FailedCall(None, maybe_billed=True))


async def test_silence_in_the_middle_is_a_timeout_that_may_be_billed(client: NewClient) -> None:
    failed = await failure(client(Answer((partial(PICTURE, 0),), end=End.NEVER), deadline_s=0.2))
    assert _facts(failed) == (ErrorCode.TIMEOUT, True, None, FailedCall("req-1", maybe_billed=True))


async def test_address_where_nobody_listens_was_sent_nothing(client: NewClient, unused_tcp_port: int) -> None:
    failed = await failure(client(Answer(), base_url=f"http://127.0.0.1:{unused_tcp_port}/v1"))
    assert _facts(failed) == (ErrorCode.PROVIDER_UNAVAILABLE, True, None, FailedCall(sent=False))
    assert "can't be reached" in failed.message


@pytest.mark.parametrize("address", ["openai.example", "ftp://openai.example", "http://openai.example:port"])
async def test_address_that_is_none_is_a_matter_of_configuration(client: NewClient, address: str) -> None:
    failed = await failure(client(Answer(), base_url=address))
    assert _facts(failed) == (ErrorCode.PROVIDER_NOT_CONFIGURED, False, None, FailedCall(sent=False))
    assert "OPENAI_BASE_URL" in failed.message


@pytest.mark.parametrize("key", ["sk-with-ümlaut", "sk-with\nline", "sk with space"])
async def test_key_with_characters_that_no_key_has_is_never_sent(client: NewClient, openai: Standin, key: str) -> None:
    failed = await failure(client(Answer(), api_key=key))
    assert _facts(failed) == (ErrorCode.PROVIDER_REJECTED_KEY, False, None, FailedCall(sent=False))
    assert not openai.seen
    assert key not in "".join(traceback.format_exception(failed))


async def test_blanks_around_a_key_are_not_part_of_it(client: NewClient, openai: Standin) -> None:
    await failure(client(error(500, "Oops."), api_key=" sk-in-blanks\n"))
    assert openai.seen[0].headers["authorization"] == "Bearer sk-in-blanks"


@pytest.mark.parametrize(
    "answer",
    [
        error(401, "Incorrect API key provided: sk-leaky-key. Look at https://example.test/keys?of=you."),
        Answer((event("error", error={"code": "server_error", "message": "sk-leaky-key is odd"}),)),
        Answer((event("image_generation.completed", b64_json="%sk-leaky-key%"),)),
        Answer((b'data: {"sk-leaky-key\n\n',)),
        Answer((b"sk-leaky-key",), 502, {"content-type": "text/plain"}),
    ],
)
async def test_neither_message_nor_traceback_quotes_the_key(client: NewClient, answer: Answer) -> None:
    failed = await failure(client(answer, api_key="sk-leaky-key"))
    assert "sk-leaky-key" not in "".join(traceback.format_exception(failed))
    assert "?of=you" not in failed.message


async def test_pages_of_a_proxy_are_not_quoted(client: NewClient) -> None:
    assert "secret.internal" not in (await failure(client(_page(502)))).message


@pytest.mark.parametrize("status", ["completed", "incomplete"])
async def test_answer_of_the_other_kind_is_no_picture(client: NewClient, status: str) -> None:
    failed = await failure(client(Answer((response(status, said("A ring.")),))))
    assert (failed.code, failed.retryable) == (ErrorCode.NO_IMAGE_RETURNED, True)


@pytest.mark.parametrize("ask", [written, described])
async def test_picture_is_no_text(client: NewClient, ask: Callable[[OpenAIClient], Awaitable[object]]) -> None:
    with pytest.raises(AppError) as caught:
        await ask(client(Answer((completed(),))))
    assert _facts(caught.value) == (ErrorCode.PROVIDER_UNAVAILABLE, True, None, _LOST)


async def test_unreadable_preview_is_a_failure_too(client: NewClient) -> None:
    broken = event("image_generation.partial_image", b64_json=base64_of(PICTURE) + "=")
    assert (await failure(client(Answer((broken, completed()))))).code == ErrorCode.PROVIDER_UNAVAILABLE
