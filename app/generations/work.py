"""What a job sees of the generation it works on."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.costs.budgets import Budgets
from app.costs.usage import Unit, Usage
from app.database.absence import Absence
from app.errors import AppError, ErrorCode, FailedCall
from app.generations.attempts import Call, Outcome
from app.generations.events import EventType, GenerationEvent
from app.generations.journal import Journal
from app.generations.model import Generation
from app.generations.pacing import text_pace_s
from app.generations.pen import LeaseLostError
from app.generations.purse import Purse
from app.generations.slots import ProviderLimits
from app.generations.telling import Teller
from app.logs import logger

_log = logger(__name__)
_TEXT_CHARACTERS = 2_000


class StepResult(NamedTuple):
    """What a step leaves: values to go on with, and the ids of the pictures that they refer to."""

    values: dict[str, Any]
    pictures: tuple[PydanticObjectId, ...] = ()


class CalledModel(NamedTuple):
    """Whom a call goes to; `billable`: it takes money for it. `expected` is a cautious guess of what it will use."""

    provider: str
    model: str
    billable: bool
    expected: Usage = MappingProxyType({})


@dataclass(slots=True)
class OpenCall:
    """A call that is being made; the job says what it learns of it."""

    provider_request_id: str | None = None
    usage: Usage = field(default_factory=lambda: MappingProxyType({}))


@dataclass(slots=True)
class Work:
    """One attempt's view: the generation as it was claimed, and the ways to go on.

    No call waits for its provider's slot beyond `ends_at`, null: for ever.
    """

    journal: Journal
    publish: Callable[[GenerationEvent], Awaitable[None]]
    limits: ProviderLimits
    budgets: Budgets = field(default_factory=Budgets)
    ends_at: datetime | None = None
    _purse: Purse = field(init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _teller: Teller = field(init=False)
    _texts: int = field(init=False)
    _wrote_s: float = 0

    def __post_init__(self) -> None:
        self._teller = Teller(self.journal, self.publish)
        self._purse = Purse(self.budgets, self.journal)
        self._texts = sum(event.type is EventType.TEXT for event in self.generation.events)

    @property
    def generation(self) -> Generation:
        """What is worked on."""
        return self.journal.generation

    async def stage(self, name: str, percent: int) -> None:
        """Say where the work stands; `percent` (0 to 100) of the whole.

        A new stage is told at once, progress inside one and previews twice a second at most, both together.
        """
        await self._teller.stage(name, percent)

    def takes_preview(self) -> bool:
        """Whether a preview is worth storing now: two a second are. Who is told so has taken the turn."""
        return self._teller.takes_preview()

    async def preview(self, picture_id: PydanticObjectId) -> None:
        """Show a stored picture of work that is not done; one that comes too soon is told a little later."""
        await self._teller.preview(picture_id)

    @property
    def may_show_text(self) -> bool:
        """Whether the last text is long enough ago."""
        return asyncio.get_running_loop().time() - self._wrote_s >= text_pace_s(self._texts)

    async def text(self, so_far: str) -> None:
        """Show a text as far as it is written, 2,000 characters of it at most; it takes the place of those before."""
        self._wrote_s, self._texts = asyncio.get_running_loop().time(), self._texts + 1
        shown = so_far if len(so_far) <= _TEXT_CHARACTERS else so_far[: _TEXT_CHARACTERS - 1] + "…"
        await self.publish(await self.journal.text(shown))

    async def step(
        self, name: str, run: Callable[[], Awaitable[StepResult]], *, is_last: bool = False
    ) -> dict[str, Any]:
        """The values of the step's kept result, or run it now and keep its result.

        The last step's is kept by the write that ends the generation.
        """
        known = self.generation.steps.get(name)
        if known is not None:
            return known
        result = await run()
        if name not in self.generation.steps:
            self.note(name, result)
        if not is_last and self.journal.noted:
            await self.journal.write()
        return result.values

    def note(self, name: str, result: StepResult) -> None:
        """Keep the step's result with the next write: for one that has more to tell before it returns the same."""
        self.journal.note_step(name, result.values, result.pictures)

    async def bear[T](self, write: Callable[[], Awaitable[T]]) -> T:
        """Write what is safe to repeat and dear to lose, again until a database that is away is back.

        Raises:
            PyMongoError: the database is away for too long, or broken.
        """
        absence = Absence(self.journal.pen.away_s)
        while True:
            try:
                return await write()
            except PyMongoError as error:
                await absence.bear(error)

    @asynccontextmanager
    async def call(self, model: CalledModel) -> AsyncGenerator[OpenCall]:
        """While entered, one call to a provider is made: it holds one of the provider's slots and is in the ledger.

        The entry is written with the next stage: tell one before anything is sent. What the call may cost is reserved
        from the daily budgets. Several calls may be entered at once.

        Raises:
            AppError: RATE_LIMITED when no slot was free before the time was over, QUOTA_EXCEEDED when a budget is
                used up, PROVIDER_NOT_CONFIGURED when the price is not known; then there is no entry.
        """
        generation, opened = self.generation, OpenCall()
        left_s = None if self.ends_at is None else (self.ends_at - self.journal.now()).total_seconds()
        async with self.limits.held(model.provider, generation.identity, generation.attempt, left_s):
            call = await self._open(model)
            try:
                yield opened
            except AppError as error:
                await self._failed(call, opened, error)
                raise
            except BaseException as error:
                is_bug = isinstance(error, Exception) and not isinstance(error, LeaseLostError)
                outcome, code = (Outcome.FAILED, ErrorCode.INTERNAL) if is_bug else (Outcome.CANCELLED, None)
                if not self.journal.forget_call(call):
                    self._close(call, opened, outcome, code, maybe_billed=True)
                raise
            self._close(call, opened, Outcome.SUCCEEDED)

    async def tell_late(self) -> None:
        """For ever: tell the progress and the previews that came too soon after those before."""
        await self._teller.tell_late()

    async def _open(self, model: CalledModel) -> Call:
        """The call's entry, once the budgets bear it."""
        async with self._turn:  # each reservation counts the calls of those before it
            at, reservation = self.journal.now(), None
            if model.billable and self.budgets.are_set:
                reservation = self._purse.reservation(model.model, model.expected, at)
                await self.bear(partial(self._purse.hold, reservation))
            call = Call(
                number=self.journal.next_call,
                attempt=self.generation.attempt,
                provider=model.provider,
                model=model.model,
                billable=model.billable,
                started_at=at,
                estimated=reservation.amount - reservation.held if reservation else None,
            )
            self.journal.note_call(call)
            return call

    async def _failed(self, call: Call, opened: OpenCall, error: AppError) -> None:
        """Note what is known of it: who raises without a word about the call does not know whether it was billed."""
        known = error.call or FailedCall(maybe_billed=True)
        opened.provider_request_id = known.request_id or opened.provider_request_id
        opened.usage = {Unit(name): count for name, count in known.usage.items()} or opened.usage
        if known.sent or not self.journal.forget_call(call):
            maybe_billed = known.sent and (known.maybe_billed or error.code is ErrorCode.TIMEOUT)
            self._close(call, opened, Outcome.FAILED, error.code, maybe_billed=maybe_billed)
        if call.estimated is not None:
            try:
                async with self._turn:
                    await self._purse.give_back(call)
            except PyMongoError as lost:  # the sweep sees it at the generation's end
                _log.warning("reservation_not_given_back", reason=type(lost).__name__)

    def _close(
        self,
        call: Call,
        opened: OpenCall,
        outcome: Outcome,
        code: ErrorCode | None = None,
        *,
        maybe_billed: bool = False,
    ) -> None:
        """Close the entry, with what the call has cost as far as that is known."""
        ended: dict[str, Any] = {
            "ended_at": self.journal.now(),
            "outcome": outcome,
            "code": code,
            "maybe_billed": call.billable and maybe_billed,
            "provider_request_id": opened.provider_request_id,
            "usage": dict(opened.usage),
        }
        self.journal.note_call(self._purse.priced(call.model_copy(update=ended)))
