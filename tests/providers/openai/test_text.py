from dataclasses import dataclass, replace

import pytest

from app.costs.usage import Unit
from app.errors import AppError, ErrorCode
from app.providers.openai.text import OpenAITextModel
from app.providers.ports.model import Source, Stage
from app.providers.ports.text import StructuredAnswer, TextModel, TextPiece
from tests.providers.openai.conftest import NewClient
from tests.providers.openai.standin import Answer, Standin, error, event
from tests.providers.openai.wire import DREAM, TEXT, Dream, all_of, answered, delta, response, said, written

_ANSWER = Answer(
    (
        event("response.created", response={"id": "resp_1", "status": "in_progress", "error": None}),
        event("response.output_item.added", output_index=0),
        delta(DREAM[:20]),
        delta(DREAM[20:]),
        event("response.output_text.done", text=DREAM),
        response("completed", said(DREAM)),
    )
)


async def test_answer_is_of_the_shape_with_its_usage_and_its_request(client: NewClient) -> None:
    assert await answered(client(_ANSWER)) == StructuredAnswer(
        Dream(meaning="freedom", symbols=["wings", "søer"]),
        Source.PROVIDER,
        "gpt-text",
        usage={
            Unit.INPUT_TEXT_TOKENS: 200,
            Unit.CACHED_INPUT_TOKENS: 100,
            Unit.OUTPUT_TEXT_TOKENS: 80,
            Unit.CALLS: 1,
        },
        provider_request_id="req-1",
    )


async def test_pieces_come_as_they_are_written(client: NewClient) -> None:
    updates = await written(client(_ANSWER))
    assert [update.text for update in updates if isinstance(update, TextPiece)] == [DREAM[:20], DREAM[20:]]
    assert isinstance(updates[0], Stage)
    assert isinstance(updates[-1], StructuredAnswer)


async def test_text_of_the_user_travels_as_data(client: NewClient, openai: Standin) -> None:
    await written(client(_ANSWER))
    (seen,) = openai.seen
    assert seen.path == "/v1/responses"
    assert seen.json["instructions"] == TEXT.instructions
    assert seen.json["input"] == [{"role": "user", "content": [{"type": "input_text", "text": TEXT.text}]}]


async def test_shape_is_demanded_strictly(client: NewClient, openai: Standin) -> None:
    await written(client(_ANSWER))
    form = openai.seen[0].json["text"]["format"]
    assert (form["type"], form["strict"]) == ("json_schema", True)
    assert form["schema"]["additionalProperties"] is False
    assert form["schema"]["required"] == ["meaning", "symbols"]
    assert form["schema"]["properties"]["symbols"]["items"] == {"type": "string"}


async def test_nothing_is_stored_at_openai(client: NewClient, openai: Standin) -> None:
    await written(client(_ANSWER))
    assert openai.seen[0].json["store"] is False


async def test_end_user_is_named_where_one_is_known(client: NewClient, openai: Standin) -> None:
    model = OpenAITextModel(client(_ANSWER), "gpt-text")
    await all_of(model.structured(TEXT))
    await all_of(model.structured(replace(TEXT, end_user="user-1")))
    assert [seen.json.get("safety_identifier") for seen in openai.seen] == [None, "user-1"]


async def test_request_may_name_another_model(client: NewClient, openai: Standin) -> None:
    updates = await all_of(OpenAITextModel(client(_ANSWER), "gpt-text").structured(replace(TEXT, model="gpt-9")))
    assert isinstance(updates[-1], StructuredAnswer)
    assert (openai.seen[0].json["model"], updates[-1].model) == ("gpt-9", "gpt-9")


@dataclass(frozen=True)
class Meaning:
    """What an answer means, and words its message holds."""

    claim: str
    answer: bytes
    code: ErrorCode
    words: str
    retryable: bool = False


_REFUSAL = {"type": "refusal", "refusal": "I can't help with that."}
_MEANINGS = (
    Meaning("refusal", response("completed", _REFUSAL), ErrorCode.CONTENT_BLOCKED, "“I can't help with that.”"),
    Meaning("refusal-after-text", response("completed", said("{"), _REFUSAL), ErrorCode.CONTENT_BLOCKED, "withholds"),
    Meaning(
        "filter",
        response("incomplete", said(DREAM[:20]), incomplete_details={"reason": "content_filter"}),
        ErrorCode.CONTENT_BLOCKED,
        "withholds",
    ),
    Meaning(
        "cut-off",
        response("incomplete", said(DREAM[:20]), incomplete_details={"reason": "max_output_tokens"}),
        ErrorCode.INVALID_ANSWER,
        "was cut off",
        retryable=True,
    ),
    Meaning(
        "half-json", response("completed", said(DREAM[:20])), ErrorCode.INVALID_ANSWER, "another shape", retryable=True
    ),
    Meaning(
        "other-json", response("completed", said('{"a": 1}')), ErrorCode.INVALID_ANSWER, "another shape", retryable=True
    ),
    Meaning("no-words", response("completed"), ErrorCode.INVALID_ANSWER, "another shape", retryable=True),
    Meaning(
        "no-response",
        event("response.completed", response=7),
        ErrorCode.PROVIDER_UNAVAILABLE,
        "can't be read",
        retryable=True,
    ),
    Meaning("only-pieces", delta(DREAM), ErrorCode.PROVIDER_UNAVAILABLE, "broke off", retryable=True),
    Meaning("huge-event", delta("x" * 4_200_000), ErrorCode.PROVIDER_UNAVAILABLE, "longer than any", retryable=True),
)


async def _failure(client: NewClient, answer: Answer) -> AppError:
    with pytest.raises(AppError) as caught:
        await written(client(answer))
    return caught.value


@pytest.mark.parametrize("meaning", _MEANINGS, ids=lambda meaning: meaning.claim)
async def test_answer_that_is_none_has_its_code_and_may_be_billed(client: NewClient, meaning: Meaning) -> None:
    failed = await _failure(client, Answer((meaning.answer,)))
    assert (failed.code, failed.retryable) == (meaning.code, meaning.retryable)
    assert meaning.words in failed.message
    assert failed.call is not None
    assert failed.call.request_id == "req-1"
    assert bool(failed.call.usage) != failed.call.maybe_billed, "what it used is told, or nobody knows"


async def test_failure_does_not_quote_what_the_model_wrote(client: NewClient) -> None:
    failed = await _failure(client, Answer((response("completed", said('{"meaning": "private"}')),)))
    assert "private" not in failed.message
    assert failed.__cause__ is None


async def test_wrong_model_names_the_setting(client: NewClient) -> None:
    failed = await _failure(client, error(400, "No such model.", "model_not_found"))
    assert failed.code == ErrorCode.PROVIDER_NOT_CONFIGURED
    assert "OPENAI_TEXT_MODEL" in failed.message


async def test_longer_texts_are_expected_to_use_more(client: NewClient) -> None:
    model = OpenAITextModel(client(_ANSWER), "gpt-text")
    short, long = (model.expected_usage(replace(TEXT, text="flying " * times)) for times in (1, 900))
    assert short[Unit.INPUT_TEXT_TOKENS] + 1_000 < long[Unit.INPUT_TEXT_TOKENS]
    assert short[Unit.CALLS] == 1


async def test_it_is_openais(client: NewClient) -> None:
    model: TextModel = OpenAITextModel(client(_ANSWER), "gpt-text")
    assert (model.name, model.model, model.source) == ("openai", "gpt-text", Source.PROVIDER)
