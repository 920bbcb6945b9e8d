"""Accounts of people from an outside issuer: one each, theirs alone, and gone when they are erased."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, override

import pytest
from beanie import PydanticObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.accounts.ended import Ended
from app.accounts.erasing import LAST_WAIT_S, Erasures
from app.accounts.erasure import Erasure
from app.accounts.model import Session, User
from app.accounts.outside.arrivals import REMEMBERED_S, Arrivals, subject_key
from app.accounts.outside.tokens import LEEWAY, MAX_AGE, OutsideClaims
from app.accounts.service import Accounts
from app.accounts.sessions import Client
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from tests.accounts.conftest import RecordedDoor
from tests.accounts.outside.stand_in import ISSUER
from tests.indexed import point_at


class Sent(CommandListener):
    """How many commands were sent to the database."""

    def __init__(self) -> None:
        self.count = 0

    @override
    def started(self, event: CommandStartedEvent) -> None:
        self.count += 1

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    @override
    def failed(self, event: CommandFailedEvent) -> None: ...


@dataclass
class Seconds:
    now: float = 0

    def __call__(self) -> float:
        return self.now


@dataclass
class Place:
    arrivals: Arrivals
    erasures: Erasures
    sent: Sent
    seconds: Seconds = field(default_factory=Seconds)

    def another_process(self) -> Arrivals:
        return Arrivals(ISSUER, Ended())


@pytest.fixture
async def place(mongodb_url: str, database: AsyncDatabase[dict[str, Any]], door: RecordedDoor) -> AsyncIterator[Place]:
    sent, seconds = Sent(), Seconds()
    async with AsyncMongoClient[dict[str, Any]](mongodb_url, event_listeners=[sent]) as client:
        documents = [User, Session, Erasure]
        await point_at(client[database.name], documents)
        erasures = Erasures(door, ())
        yield Place(Arrivals(ISSUER, erasures.erased, seconds=seconds), erasures, sent, seconds)


def _claims(subject: str = "auth0|ada", issued_at: datetime | None = None, **others: Any) -> OutsideClaims:
    moment = issued_at or utc_now()
    return OutsideClaims(subject, moment, moment, moment + timedelta(hours=1), **others)


async def _erase(place: Place, user_id: PydanticObjectId) -> None:
    user = await User.get(user_id)
    assert user is not None
    await place.erasures.begin(user_id, user.email_key)


async def test_first_sight_makes_an_account_of_what_the_token_says(place: Place) -> None:
    user_id = await place.arrivals.user_id(_claims(email="Ada@Example.com", name="Ada Lovelace"))
    stored = await User.rows().find_one({"_id": user_id})
    assert stored is not None
    assert {name: stored.get(name) for name in ("email", "name", "issuer", "subject", "emailKey")} == {
        "email": "Ada@Example.com",
        "name": "Ada Lovelace",
        "issuer": ISSUER,
        "subject": "auth0|ada",
        "emailKey": subject_key(ISSUER, "auth0|ada"),
    }
    assert "passwordHash" not in stored


@pytest.mark.parametrize(
    ("said", "email", "name"),
    [
        ({}, None, "Unnamed"),
        ({"email": "no address", "name": "x" * 200}, None, "no address"),
        ({"email": "a\ud800@example.com", "name": "a\ud800"}, None, "Unnamed"),
        ({"email": "ada@example.com", "name": "a\nb"}, "ada@example.com", "ada"),
    ],
)
async def test_what_the_issuer_does_not_say_or_says_wrong_is_left_out(
    place: Place, said: dict[str, Any], email: str | None, name: str
) -> None:
    user = await User.get(await place.arrivals.user_id(_claims(**said)))
    assert user is not None
    assert (user.email, user.name) == (email, name)


async def test_many_first_requests_at_once_in_two_processes_make_one_account(place: Place) -> None:
    other = place.another_process()
    found = await asyncio.gather(*(one.user_id(_claims()) for one in (place.arrivals, other) for _ in range(10)))
    assert len(set(found)) == await User.count() == 1


async def test_same_subject_of_another_issuer_is_somebody_else(place: Place) -> None:
    ours = await place.arrivals.user_id(_claims())
    theirs = await Arrivals("https://another.example.com", Ended()).user_id(_claims())
    assert ours != theirs


async def test_known_person_takes_no_command_of_the_database(place: Place) -> None:
    user_id = await place.arrivals.user_id(_claims())
    before = place.sent.count
    assert [await place.arrivals.user_id(_claims()) for _ in range(100)] == [user_id] * 100
    assert place.sent.count == before
    place.seconds.now += REMEMBERED_S
    assert await place.arrivals.user_id(_claims()) == user_id
    assert place.sent.count == before + 1


async def test_memory_is_bounded_and_keeps_who_came_last(place: Place) -> None:
    arrivals = replace(place.arrivals, remembered_max=3)
    for subject in ("a", "b", "c"):
        await arrivals.user_id(_claims(subject))
    await arrivals.user_id(_claims("a"))
    await arrivals.user_id(_claims("d"))
    before = place.sent.count
    for subject in ("a", "c", "d"):
        await arrivals.user_id(_claims(subject))
    assert place.sent.count == before
    await arrivals.user_id(_claims("b"))
    assert place.sent.count > before


async def test_local_account_with_the_same_address_stays_another_one(place: Place, accounts: Accounts) -> None:
    local = await accounts.sign_up("ada@example.com", "correct horse", "Ada", Client())
    outside_id = await place.arrivals.user_id(_claims(email="ada@example.com"))
    assert outside_id != local.user.identity
    assert (await accounts.log_in("ada@example.com", "correct horse", Client())).user.identity == local.user.identity


async def test_address_of_an_outside_account_can_still_sign_up_here(place: Place, accounts: Accounts) -> None:
    outside_id = await place.arrivals.user_id(_claims(email="ada@example.com"))
    signed = await accounts.sign_up("ada@example.com", "correct horse", "Ada", Client())
    assert signed.user.identity != outside_id


async def test_old_token_does_not_bring_an_erased_account_back_in_any_process(place: Place) -> None:
    old = _claims()
    await _erase(place, await place.arrivals.user_id(old))
    for process in (place.arrivals, place.another_process()):
        for _ in range(2):
            with pytest.raises(AppError, match="does not exist any more") as caught:
                await process.user_id(old)
            assert caught.value.code is ErrorCode.UNAUTHENTICATED
    assert await User.count() == 0


async def test_token_of_after_the_erasure_makes_a_new_account(place: Place) -> None:
    first = await place.arrivals.user_id(_claims())
    await _erase(place, first)
    second = await place.arrivals.user_id(_claims(issued_at=utc_now() + LEEWAY + timedelta(seconds=1)))
    assert second != first
    await _erase(place, second)
    late = utc_now() + LEEWAY
    await Erasure.rows().update_one({"_id": first}, {"$set": {"askedAt": utc_now() - timedelta(hours=1)}})
    with pytest.raises(AppError, match="does not exist any more"):
        await place.arrivals.user_id(_claims(issued_at=late - timedelta(seconds=2)))


async def test_process_that_learns_of_the_erasure_forgets_who_it_was(place: Place) -> None:
    other = place.another_process()
    user_id = await other.user_id(_claims())
    await _erase(place, user_id)
    other.erased.learn({user_id: utc_now()}, utc_now() - timedelta(minutes=30))
    with pytest.raises(AppError, match="does not exist any more"):
        await other.user_id(_claims())


async def test_memory_of_people_is_shorter_than_that_of_erasures_and_that_is_longer_than_tokens_live() -> None:
    assert timedelta(seconds=REMEMBERED_S) < timedelta(minutes=30)
    for every_s in (0.1, 1, 5, 60):
        waits = [every_s]
        while waits[-1] < LAST_WAIT_S:
            waits.append(min(2 * waits[-1], LAST_WAIT_S))
        assert MAX_AGE + 2 * LEEWAY < timedelta(seconds=sum(waits)) < timedelta(days=2)


async def test_database_that_is_away_is_unavailable_not_a_fault_of_the_token(place: Place) -> None:
    await User.rows().database.client.close()
    with pytest.raises(AppError) as caught:
        await place.arrivals.user_id(_claims())
    assert (caught.value.code, caught.value.retryable) == (ErrorCode.UNAVAILABLE, True)
