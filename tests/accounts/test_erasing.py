"""The rounds of an erasure: when they come, who does them, and what does not hold them up."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect

from app.accounts.erasers import Eraser, OwnedRows
from app.accounts.erasing import LAST_WAIT_S, Erasures
from app.accounts.erasure import Erasure
from app.accounts.model import Session, User
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from tests.accounts.conftest import RecordedDoor
from tests.indexed import point_at

_USER = PydanticObjectId()


async def _nothing() -> None: ...


@dataclass
class Told:
    """An eraser that does as the test says, and remembers whom it was asked about."""

    name: str = "things"
    script: Callable[[], Awaitable[None]] = _nothing
    asked: list[PydanticObjectId] = field(default_factory=list[PydanticObjectId])

    async def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        self.asked.append(owner_id)
        yield 1
        await self.script()
        yield 1


@pytest.fixture(autouse=True)
async def _documents(database: AsyncDatabase[dict[str, Any]]) -> None:
    await point_at(database, [User, Session, Erasure])


async def _due() -> None:
    await Erasure.rows().update_many({}, [{"$set": {"lookAt": {"$subtract": ["$$NOW", 1]}}}])


async def _stored() -> Erasure:
    (erasure,) = await Erasure.find_all().to_list()
    return erasure


async def _begun(door: RecordedDoor, *erasers: Eraser) -> Erasures:
    erasures = Erasures(door, erasers)
    await erasures.begin(_USER)
    await _due()
    return erasures


async def test_rounds_come_after_twice_the_time_until_the_last_one_forgets_it(door: RecordedDoor) -> None:
    eraser = Told()
    erasures, waits = await _begun(door, eraser), list[float]()
    while await Erasure.count():
        waits.append((await _stored()).wait_s)
        await erasures.go_on()
        await _due()
    assert waits[:4] == [0, 5, 10, 20]
    assert all(later == 2 * before for before, later in pairwise(waits[1:-1]))
    assert waits[-1] == LAST_WAIT_S
    assert 86_400 < sum(waits) < 2 * 86_400, "somebody who was late by a day is still found"
    assert eraser.asked == [_USER] * len(waits)
    assert door.closed == set()


async def test_promised_erasure_waits_for_its_time_or_for_who_asks(door: RecordedDoor) -> None:
    erasures = Erasures(door, [eraser := Told()])
    await erasures.promise(_USER, 600)
    promised = await _stored()
    assert promised.look_at - promised.asked_at == timedelta(seconds=600)
    await erasures.go_on()
    assert (eraser.asked, door.closed) == ([], set())
    await erasures.begin(_USER)
    await erasures.promise(_USER, 600)
    await erasures.clock.set(Erasure.rows().database)
    await erasures.go_on()
    assert eraser.asked == [_USER]
    resting = await _stored()
    await erasures.begin(_USER)
    assert (await _stored()).look_at == resting.look_at


async def test_round_that_is_not_due_is_not_done(door: RecordedDoor) -> None:
    eraser = Told()
    erasures = await _begun(door, eraser)
    for _ in range(3):
        await erasures.go_on()
    assert len(eraser.asked) == 1
    assert (await _stored()).look_at > utc_now()
    assert _USER in door.closed


async def test_what_is_left_is_looked_at_again_soon_and_never_forgotten(door: RecordedDoor) -> None:
    async def busy() -> None:
        raise AppError(ErrorCode.UNAVAILABLE, "The store is away.", retryable=True)

    last = Told("last")
    erasures, waits = await _begun(door, Told("first", busy), last), list[float]()
    for _ in range(12):
        await erasures.go_on()
        waits.append((await _stored()).wait_s)
        await _due()
    assert waits[:3] == [5, 10, 20]
    assert waits[-1] == 300
    assert len(last.asked) == 12, "one that can't go on holds up nobody"


@pytest.mark.long
async def test_round_that_takes_long_makes_room_for_others_and_goes_on(door: RecordedDoor) -> None:
    now = utc_now()
    rows = [
        Session(user_id=_USER, token_hash="", created_at=now, last_used_at=now, expires_at=now) for _ in range(1_000)
    ]
    await Session.insert_many(rows)
    other, last = PydanticObjectId(), Told("last")
    erasures = replace(await _begun(door, OwnedRows(Session, "userId"), last), round_s=0)
    await erasures.begin(other)
    counts = list[int]()
    for _ in range(3):
        await _due()
        await erasures.go_on()
        counts.append(await Session.count())
    assert counts == [600, 200, 0]
    assert last.asked.count(_USER) == last.asked.count(other) == 3
    assert {one.wait_s for one in await Erasure.find_all().to_list()} == {5}


async def test_eraser_with_a_fault_holds_up_nobody_either(door: RecordedDoor) -> None:
    async def broken() -> None:
        raise KeyError("a bug")

    last = Told("last")
    erasures = await _begun(door, Told("first", broken), last)
    await Erasure.rows().update_many({}, {"$set": {"waitS": LAST_WAIT_S}})
    await erasures.go_on()
    assert last.asked == [_USER]
    assert (await _stored()).wait_s == 300


async def test_round_without_a_database_is_another_processes_once_the_lease_is_over(door: RecordedDoor) -> None:
    async def away() -> None:
        raise AutoReconnect("gone")

    last = Told("last")
    erasures = await _begun(door, Told("first", away), last)
    with pytest.raises(AutoReconnect):
        await erasures.go_on()
    held = await _stored()
    assert (held.holder is not None, last.asked) == (True, [])
    other = Erasures(door, (last,))
    await other.go_on()
    assert last.asked == [], "its lease is not over"
    await _due()
    await other.go_on()
    assert last.asked == [_USER]


async def test_who_has_lost_the_lease_changes_nothing(door: RecordedDoor) -> None:
    await _begun(door)
    late = await Erasure.take(_USER)
    await _due()
    held = await Erasure.take(_USER)
    assert late is not None
    assert held is not None
    await late.hold()
    await late.rest(5)
    await late.forget()
    assert (await _stored()).model_dump() == held.model_dump()


async def test_many_who_ask_at_once_have_one_erasure(door: RecordedDoor) -> None:
    erasures = Erasures(door, ())
    await asyncio.gather(*(erasures.begin(_USER) for _ in range(8)))
    first = await _stored()
    await erasures.begin(_USER)
    assert (await _stored()).asked_at == first.asked_at


@pytest.mark.long
async def test_owned_rows_are_deleted_in_chunks_and_others_stay() -> None:
    now, other = utc_now(), PydanticObjectId()

    def session(user_id: PydanticObjectId) -> Session:
        return Session(user_id=user_id, token_hash="", created_at=now, last_used_at=now, expires_at=now)

    await Session.insert_many([*(session(_USER) for _ in range(401)), session(other)])
    eraser = OwnedRows(Session, "userId")
    assert [count async for count in eraser.erase(_USER)] == [400, 1]
    assert [count async for count in eraser.erase(_USER)] == []
    assert [one.user_id for one in await Session.find_all().to_list()] == [other]
