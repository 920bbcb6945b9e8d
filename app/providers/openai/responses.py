"""Answers of OpenAI's Responses API: what text and vision have in common."""

from pydantic import BaseModel, ValidationError

from app.costs.usage import Unit, Usage
from app.providers.openai.client import LAST, Answer
from app.providers.openai.faults import blocked, invalid, unreadable
from app.providers.openai.frames import Event

EVENT_BYTES = 4 * 1024 * 1024
"""No event of a text is longer."""


class _Part(BaseModel):
    """A piece of a message: text, or the words of a refusal."""

    type: str
    text: str = ""
    refusal: str = ""


class _Item(BaseModel):
    """A message, or what the model did besides (it thinks)."""

    type: str
    content: tuple[_Part, ...] | None = None


class _Cached(BaseModel):
    cached_tokens: int = 0


class _Usage(BaseModel):
    input_tokens: int
    output_tokens: int
    input_tokens_details: _Cached | None = None


class _Reason(BaseModel):
    reason: str | None = None


class Finished(BaseModel):
    """The fields of a whole response that decide something."""

    output: tuple[_Item, ...] = ()
    incomplete_details: _Reason | None = None
    usage: _Usage | None = None

    @property
    def text(self) -> str:
        """What the model wrote."""
        return "".join(part.text for part in self._parts("output_text"))

    @property
    def refusal(self) -> str | None:
        """Why it did not do what was asked, in its words; null when it did."""
        parts = [part.refusal for part in self._parts("refusal")]
        return " ".join(parts) if parts else None

    @property
    def used(self) -> Usage:
        """What is billed. Pictures in the input are among its text tokens: OpenAI counts and bills them as one."""
        if self.usage is None:
            return {Unit.CALLS: 1}
        cached = self.usage.input_tokens_details.cached_tokens if self.usage.input_tokens_details else 0
        return {
            Unit.INPUT_TEXT_TOKENS: max(0, self.usage.input_tokens - cached),
            Unit.CACHED_INPUT_TOKENS: cached,
            Unit.OUTPUT_TEXT_TOKENS: self.usage.output_tokens,
            Unit.CALLS: 1,
        }

    @property
    def told(self) -> Usage:
        """The same as far as OpenAI has told it: empty where it has not."""
        return self.used if self.usage is not None else {}

    def _parts(self, kind: str) -> list[_Part]:
        messages = (item.content or () for item in self.output if item.type == "message")
        return [part for parts in messages for part in parts if part.type == kind]


def finished(event: Event, answer: Answer) -> Finished | None:
    """The whole response that an event brings, null for any other event.

    Raises:
        AppError: CONTENT_BLOCKED for a refusal or a filter; retryable INVALID_ANSWER when it was cut off; retryable
            PROVIDER_UNAVAILABLE when it is no response.
    """
    if event.kind not in LAST:
        return None
    try:
        response = Finished.model_validate(event.fields.get("response"))
    except ValidationError:  # its text quotes the answer
        raise unreadable("can't be read", answer.request_id) from None
    reason = response.incomplete_details.reason if response.incomplete_details else None
    if response.refusal is not None or reason == "content_filter":
        raise blocked(response.refusal or "", answer.asked, answer.request_id, response.told)
    if event.kind == "response.incomplete":
        raise invalid("was cut off", answer.request_id, response.told)
    return response
