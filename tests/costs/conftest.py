"""Days of budgets in an empty database."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.costs.budgets import Budgets, Reservation
from app.costs.days import BudgetDay
from app.costs.prices import PriceList
from app.database.document import utc_now
from tests.indexed import point_at

DAY = "2026-11-23/all"

type Reserve = Callable[..., Reservation]


@pytest.fixture
async def days(database: AsyncDatabase[dict[str, Any]]) -> type[BudgetDay]:
    await point_at(database, [BudgetDay])
    return BudgetDay


def reservation(
    amount: int,
    *,
    generation_id: PydanticObjectId | None = None,
    owner_id: PydanticObjectId | None = None,
    order: int = 1,
    held: int = 0,
    late_s: float = 0,
) -> Reservation:
    """Of a generation that holds `held`, and should hold `amount`; its worker's was confirmed `late_s` ago."""
    now = utc_now()
    generation, owner = generation_id or PydanticObjectId(), owner_id or PydanticObjectId()
    return Reservation(owner, generation, "m", order, held, amount, now, now - timedelta(seconds=late_s))


def budgets(per_user: int | None = None, for_all: int | None = None) -> Budgets:
    """With a price of one micro for a call of `m`."""
    line = '[{"model": "m", "unit": "calls", "amount": "0.000001", "currency": "USD", "since": "2026-01-01"}]'
    return Budgets(PriceList.parse(line), per_user, for_all)
