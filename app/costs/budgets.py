"""How much money may be spent a day (UTC), by one user and by all; nothing is sent that the day does not bear."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from beanie import PydanticObjectId

from app.costs.days import Answer, BudgetDay, Lack, Wanted
from app.costs.prices import PriceList
from app.costs.usage import Usage, of_one_call
from app.errors import AppError, ErrorCode

_KEPT_DAYS = 40


class StaleReservationError(Exception):
    """Whoever reserves has lost the generation: somebody else works on it by now, or it has ended."""


class Reservation(NamedTuple):
    """What is to be held for a generation: all that it has cost on that day and may still cost.

    `held` is what it holds without the new call, `amount` with it, both in micros. `order` rises with each
    reservation of the generation, `confirmed_at` is when its worker was last known to hold it.
    """

    owner_id: PydanticObjectId
    generation_id: PydanticObjectId
    model: str
    order: int
    held: int
    amount: int
    at: datetime
    confirmed_at: datetime

    @property
    def wanted(self) -> Wanted:
        """The entry that it asks for."""
        return Wanted(self.generation_id, self.order, self.amount, self.confirmed_at)


class _Budget(NamedTuple):
    """One of the two, on one day."""

    day_id: str
    limit: int
    whose: str


@dataclass(frozen=True, slots=True)
class Budgets:
    """Limits a day in micros of the prices' currency, null where there is none."""

    prices: PriceList = field(default_factory=PriceList)
    per_user: int | None = None
    for_all: int | None = None

    @property
    def are_set(self) -> bool:
        """Whether there is a limit at all; where there is none, the database is asked nothing."""
        return self.per_user is not None or self.for_all is not None

    def estimate(self, model: str, expected: Usage, at: datetime) -> int:
        """Micros to hold for a call of that model.

        Raises:
            AppError: PROVIDER_NOT_CONFIGURED when its price is not known: it can't be kept within a budget.
        """
        cost = self.prices.cost(model, of_one_call(expected), at)
        if cost is None:
            message = (
                f"This server has a daily budget, and its setting PRICES does not say what a call of {model} costs: "
                "it is not called until an operator adds its prices."
            )
            raise AppError(ErrorCode.PROVIDER_NOT_CONFIGURED, message)
        return cost

    async def reserve(self, wanted: Reservation) -> None:
        """Hold it in each budget, the user's first, or in none; safe to repeat.

        Raises:
            AppError: QUOTA_EXCEEDED, retryable after midnight UTC.
            StaleReservationError: somebody else has the generation by now.
        """
        held: list[_Budget] = []
        for budget in self._of(wanted.owner_id, day_of(wanted.at)):
            answer = await BudgetDay.reserve(budget.day_id, wanted.wanted, budget.limit)
            if answer is Answer.HELD:
                held.append(budget)
                continue
            for one in held:
                await BudgetDay.lower(one.day_id, wanted.generation_id, wanted.order, wanted.held)
            if answer is Answer.STALE:
                raise StaleReservationError
            await BudgetDay.note_lack(budget.day_id, Lack(model=wanted.model, amount=wanted.amount - wanted.held))
            raise _used_up(budget, wanted.at)

    async def lower(self, reserved: Reservation) -> None:
        """Give back what was held for a call that was not made; safe to repeat."""
        for budget in self._of(reserved.owner_id, day_of(reserved.at)):
            await BudgetDay.lower(budget.day_id, reserved.generation_id, reserved.order, reserved.held)

    async def settle(self, owner_id: PydanticObjectId, generation_id: PydanticObjectId, day: date, amount: int) -> None:
        """Count what a generation that has ended came to on that day; safe to repeat."""
        for budget in self._of(owner_id, day):
            await BudgetDay.settle(budget.day_id, generation_id, amount)

    async def require_room(self, owner_id: PydanticObjectId, model: str, at: datetime) -> None:
        """Do nothing while a call of that model may still be paid today; one read.

        Raises:
            AppError: QUOTA_EXCEEDED, retryable after midnight UTC.
        """
        if not self.are_set or not self.prices.has(model):  # without a price it is free, or refused before its call
            return
        budgets = self._of(owner_id, day_of(at))
        days = await BudgetDay.of_ids([one.day_id for one in budgets])
        for budget in budgets:
            if (day := days.get(budget.day_id)) and day.lacks_for(model, budget.limit):
                raise _used_up(budget, at)

    async def forget_old(self, now: datetime) -> None:
        """Drop the days that are older than 40 days."""
        await BudgetDay.forget_before(f"{day_of(now) - timedelta(days=_KEPT_DAYS)}")

    async def forget(self, owner_id: PydanticObjectId, now: datetime) -> int:
        """Drop the days of a user, today and those that are kept; how many there were. Those of all users stay."""
        days = (day_of(now) - timedelta(days=ago) for ago in range(-1, _KEPT_DAYS + 2))
        return await BudgetDay.remove([_of_user(day, owner_id) for day in days])

    def _of(self, owner_id: PydanticObjectId, day: date) -> Sequence[_Budget]:
        budgets = list[_Budget]()
        if self.per_user is not None:
            budgets.append(_Budget(_of_user(day, owner_id), self.per_user, "Your"))
        if self.for_all is not None:
            budgets.append(_Budget(f"{day}/all", self.for_all, "This server's"))
        return budgets


def _of_user(day: date, owner_id: PydanticObjectId) -> str:
    return f"{day}/{owner_id}"


def day_of(at: datetime) -> date:
    """The day of a moment, in UTC."""
    return at.astimezone(UTC).date()


def _used_up(budget: _Budget, at: datetime) -> AppError:
    midnight = datetime.combine(day_of(at) + timedelta(days=1), time(), UTC)
    message = f"{budget.whose} budget for today is used up. It resets at {midnight:%Y-%m-%d %H:%M} UTC."
    wait_s = max(1.0, (midnight - at).total_seconds())
    return AppError(ErrorCode.QUOTA_EXCEEDED, message, retryable=True, retry_after_s=wait_s)
