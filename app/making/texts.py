"""Texts written by models, of a given shape: streamed while they are written, mended once when they do not fit."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from pydantic import BaseModel

from app.errors import AppError, ErrorCode, FailedCall
from app.generations.work import CalledModel, OpenCall, Work
from app.making.chosen import Chosen, gone
from app.making.progress import Progress
from app.providers.ports.model import Source, Stage
from app.providers.ports.text import StructuredAnswer, TextModel, TextRequest

_PIECES_CHARACTERS = 200_000  # of an answer that goes on for ever no more is kept to be shown

type Show = Callable[[str], Awaitable[None]]
"""Shows an answer as far as it is written: the beginning of a JSON document."""
type Fault[Shape: BaseModel] = Callable[[Shape], str | None]
"""What is wrong with an answer that has the right shape, in words; null when nothing is."""


@dataclass(frozen=True, slots=True)
class Writing[Shape: BaseModel]:
    """What is to be written, by whom, and who looks at it on the way and at the end."""

    request: TextRequest[Shape]
    by: Chosen
    show: Show
    fault: Fault[Shape]


@dataclass(frozen=True, slots=True)
class TextMaker:
    """Asks the models, which are by the provider's name; `settings` names the one that sets each provider up."""

    models: Mapping[str, TextModel]
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    async def write[Shape: BaseModel](
        self, work: Work, writing: Writing[Shape], progress: Progress
    ) -> StructuredAnswer[Shape]:
        """One answer of that model. One that does not fit is asked for once more, with what was wrong.

        Each of the two is a call of its own in the ledger.

        Raises:
            AppError: INVALID_ANSWER, not retryable, when the second one does not fit either;
                PROVIDER_NOT_CONFIGURED when the provider is not set up any more; those of the call.
        """
        try:
            return await self._ask(work, writing, progress)
        except AppError as wrong:
            if wrong.code is not ErrorCode.INVALID_ANSWER:
                raise
            told = replace(writing.request, instructions=f"{writing.request.instructions}\n\n{_correction(wrong)}")
        await work.stage("asking again", progress.begin)
        try:
            return await self._ask(work, replace(writing, request=told), progress)
        except AppError as error:
            if error.code is not ErrorCode.INVALID_ANSWER:
                raise
            message = (
                f"The model answered twice, and both times with something else than was asked for: {error.message}"
            )
            raise AppError(error.code, message, call=error.call) from error

    async def _ask[Shape: BaseModel](
        self, work: Work, writing: Writing[Shape], progress: Progress
    ) -> StructuredAnswer[Shape]:
        by = writing.by
        model = self.models.get(by.provider)
        if model is None:
            raise gone(by, self.settings)
        billable, expected = model.source is Source.PROVIDER, model.expected_usage(writing.request)
        async with work.call(CalledModel(by.provider, by.model, billable, expected)) as call:
            answer = await _streamed(work, model, writing, progress)
            call.provider_request_id, call.usage = answer.provider_request_id, answer.usage
            if wrong := writing.fault(answer.value):
                raise _misfit(wrong, call)
            return answer


async def _streamed[Shape: BaseModel](
    work: Work, model: TextModel, writing: Writing[Shape], progress: Progress
) -> StructuredAnswer[Shape]:
    written = ""
    async with aclosing(model.structured(writing.request)) as updates:
        async for update in updates:
            if isinstance(update, StructuredAnswer):
                return update
            if isinstance(update, Stage):
                await progress.stage("text", update)
            elif len(written) < _PIECES_CHARACTERS:
                written += update.text
                if work.may_show_text:
                    await writing.show(written)
    message = "The model ended without an answer. Try again."
    raise AppError(ErrorCode.PROVIDER_UNAVAILABLE, message, retryable=True)


def _misfit(wrong: str, call: OpenCall) -> AppError:
    known = FailedCall(call.provider_request_id, usage={str(unit): count for unit, count in call.usage.items()})
    return AppError(ErrorCode.INVALID_ANSWER, f"The model's answer {wrong}.", retryable=True, call=known)


def _correction(wrong: AppError) -> str:
    return (
        "You were asked this before, and your answer could not be used. What was said about it: "
        f"{wrong.message} Answer again, whole, and exactly in the shape that is asked for."
    )
