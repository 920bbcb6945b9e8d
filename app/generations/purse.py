"""What a generation takes from the daily budgets: before each of its calls, and for good when it has ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.costs.budgets import Budgets, Reservation, StaleReservationError, day_of
from app.costs.days import BudgetDay
from app.costs.usage import Usage, of_one_call
from app.generations.attempts import Call, Outcome
from app.generations.journal import Journal
from app.generations.model import Generation
from app.generations.pen import LeaseLostError
from app.generations.spending import ended_ledgers

_ORDERS_AN_ATTEMPT = 1_000_000
_FRESH = timedelta(seconds=10)
"""A lease is renewed more often; only a long one is not."""


@dataclass(slots=True)
class Purse:
    """One attempt's. Its reservations come one after another, so that each counts those before it."""

    budgets: Budgets
    journal: Journal
    _asked: int = 0
    _held: Reservation | None = None

    def reservation(self, model: str, expected: Usage, at: datetime) -> Reservation:
        """What a call of that model, made at that moment, has to hold.

        Raises:
            AppError: PROVIDER_NOT_CONFIGURED when its price is not known.
        """
        generation, estimate = self.journal.generation, self.budgets.estimate(model, expected, at)
        held = spent_on(generation.calls, day_of(at))
        self._asked += 1
        return Reservation(
            generation.owner_id,
            generation.identity,
            model,
            generation.attempt * _ORDERS_AN_ATTEMPT + self._asked,
            held,
            held + estimate,
            at,
            self.journal.confirmed_at,
        )

    async def hold(self, reservation: Reservation) -> None:
        """Reserve it; safe to repeat.

        Raises:
            AppError: QUOTA_EXCEEDED, and nothing is held for it.
            LeaseLostError: it is not this attempt's any more.
        """
        if self.journal.now() - self.journal.confirmed_at > _FRESH:
            await self.journal.write()  # the fence says whether it still is this attempt's
        try:
            await self.budgets.reserve(reservation._replace(confirmed_at=self.journal.confirmed_at))
        except StaleReservationError as error:
            raise LeaseLostError from error
        self._held = reservation

    def priced(self, call: Call) -> Call:
        """A call that has ended, with what it has cost as far as that is known."""
        cost: int | None = 0
        if call.billable and (call.usage or call.outcome is Outcome.SUCCEEDED):
            cost = self.budgets.prices.cost(call.model, of_one_call(call.usage), call.started_at)
        elif call.billable and call.maybe_billed:
            cost = None
        has_amount = bool(cost) or call.estimated is not None
        return call.model_copy(update={"cost": cost, "currency": self.budgets.prices.currency if has_amount else None})

    async def give_back(self, call: Call) -> None:
        """Hold no more than the calls of its day that are in the ledger need; this one has ended, or was never made."""
        day = day_of(call.started_at)
        if self._held is not None and day_of(self._held.at) == day:
            held = spent_on(self.journal.generation.calls, day)
            await self.budgets.lower(self._held._replace(held=held))


def spent_on(calls: Iterable[Call], day: date) -> int:
    """Micros that budgets count of the calls of that day."""
    return sum(one.counted for one in calls if day_of(one.started_at) == day)


async def settle(budgets: Budgets, generation: Generation) -> None:
    """Count what a generation that has ended came to; safe to repeat."""
    for day in sorted({day_of(one.started_at) for one in generation.calls if one.estimated is not None}):
        await budgets.settle(generation.owner_id, generation.identity, day, spent_on(generation.calls, day))


async def settle_left_over() -> None:
    """Settle whatever has ended and still holds something: a crash came in between, or a call was never made."""
    for budget in await BudgetDay.all_open():
        held = [one.generation_id for one in budget.entries if one.closed_at is None]
        for generation_id, calls in (await ended_ledgers(held)).items():
            await BudgetDay.settle(budget.id, generation_id, spent_on(calls, budget.day))
