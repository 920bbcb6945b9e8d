"""Keys at hand: how often an issuer is asked, and what holds while it is away."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from app.accounts.outside.jwks import KeySet
from app.accounts.outside.keys import IssuerKeys, Pace
from app.errors import AppError, ErrorCode
from tests.accounts.outside.stand_in import ec, jwk

_PACE = Pace(patience=5)
_QUICK = Pace(renew=0.01, again=0.01, patience=5)


@dataclass
class Issuer:
    """Its fetches, which the test may hold back; `now` is the clock of the keys."""

    kids: list[str] = field(default_factory=lambda: ["one"])
    away: bool = False
    asked: int = 0
    now: float = 1000.0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    calls: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.open.set()

    async def fetch(self) -> KeySet:
        async with self.calls:
            self.asked += 1
            self.calls.notify_all()
        self.began.set()
        await self.open.wait()
        if self.away:
            raise AppError(ErrorCode.UNAVAILABLE, "It is away.", retryable=True)
        return KeySet.parse(json.dumps({"keys": [jwk(ec(kid), kid) for kid in self.kids]}).encode(), ("ES256",))

    def clock(self) -> float:
        return self.now


@asynccontextmanager
async def _running(issuer: Issuer, pace: Pace = _PACE) -> AsyncGenerator[IssuerKeys]:
    keys = IssuerKeys(issuer.fetch, pace, issuer.clock)
    task = asyncio.create_task(keys.run())
    try:
        yield keys
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _until_asked(issuer: Issuer, times: int) -> None:
    async with asyncio.timeout(5), issuer.calls:
        await issuer.calls.wait_for(lambda: issuer.asked >= times)


async def test_nobody_is_asked_before_somebody_needs_a_key() -> None:
    issuer = Issuer()
    async with _running(issuer, _QUICK) as keys:
        for _ in range(20):
            await asyncio.sleep(0)
        assert issuer.asked == 0
        assert await keys.find("one", "ES256")


async def test_hundred_who_need_the_first_key_at_once_are_one_fetch() -> None:
    issuer = Issuer()
    issuer.open.clear()
    async with _running(issuer) as keys, asyncio.TaskGroup() as group:
        found = [group.create_task(keys.find("one", "ES256")) for _ in range(100)]
        await issuer.began.wait()
        issuer.open.set()
    assert all(task.result() is not None for task in found)
    assert issuer.asked == 1


async def test_known_key_asks_nobody() -> None:
    issuer = Issuer()
    async with _running(issuer) as keys:
        for _ in range(50):
            assert await keys.find("one", "ES256")
        assert await keys.find("one", "RS256") is None
        assert await keys.find(None, "ES256")
    assert issuer.asked == 1


async def test_made_up_names_of_keys_make_one_call_in_half_a_minute() -> None:
    issuer = Issuer()
    async with _running(issuer) as keys:
        assert await keys.find("one", "ES256")
        found = [await keys.find(f"made up {number}", "ES256") for number in range(500)]
        issuer.now += 29
        found += await asyncio.gather(*(keys.find(f"made up {number}", "ES256") for number in range(500)))
        assert issuer.asked == 1
        issuer.now += 2
        found += await asyncio.gather(*(keys.find(f"made up {number}", "ES256") for number in range(500)))
        assert issuer.asked == 2
    assert set(found) == {None}


async def test_new_key_is_found_by_the_first_token_that_it_signed() -> None:
    issuer = Issuer()
    async with _running(issuer) as keys:
        assert await keys.find("one", "ES256")
        issuer.kids, issuer.now = ["two"], issuer.now + 60
        assert await keys.find("two", "ES256")
        assert await keys.find("one", "ES256") is None, "what is not published any more is not good any more"


async def test_keys_are_renewed_though_nobody_asks() -> None:
    issuer = Issuer()
    async with _running(issuer, _QUICK) as keys:
        assert await keys.find("one", "ES256")
        issuer.kids = ["two"]
        await _until_asked(issuer, issuer.asked + 2)
        asked = issuer.asked
        issuer.open.clear()
        await keys.find("two", "ES256")
        assert issuer.asked <= asked + 1


async def test_old_keys_are_good_while_the_issuer_is_away_for_six_hours() -> None:
    issuer = Issuer()
    async with _running(issuer, _QUICK) as keys:
        assert await keys.find("one", "ES256")
        await _until_asked(issuer, issuer.asked + 1)
        issuer.away = True
        await _until_asked(issuer, issuer.asked + 2)
        issuer.now += 6 * 3600 - 1
        assert await keys.find("one", "ES256")
        issuer.now += 2
        with pytest.raises(AppError) as caught:
            await keys.find("one", "ES256")
        assert (caught.value.code, caught.value.retryable) == (ErrorCode.UNAVAILABLE, True)
        issuer.away = False
        await _until_asked(issuer, issuer.asked + 2)
        assert await keys.find("one", "ES256")


async def test_unknown_key_of_an_issuer_that_is_away_may_be_a_new_one() -> None:
    issuer = Issuer()
    async with _running(issuer) as keys:
        assert await keys.find("one", "ES256")
        issuer.away, issuer.now = True, issuer.now + 60
        with pytest.raises(AppError) as caught:
            await keys.find("two", "ES256")
        assert caught.value.code is ErrorCode.UNAVAILABLE
        assert await keys.find("one", "ES256")


async def test_issuer_that_never_answered_is_asked_once_in_three_seconds_and_nobody_waits_meanwhile() -> None:
    issuer = Issuer(away=True)
    async with _running(issuer) as keys:
        answers = await asyncio.gather(*(keys.find("one", "ES256") for _ in range(50)), return_exceptions=True)
        answers += await asyncio.gather(*(keys.find("one", "ES256") for _ in range(50)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {AppError}
        assert issuer.asked == 1
        issuer.away, issuer.now = False, issuer.now + 4
        assert await keys.find("one", "ES256")


async def test_who_gives_up_waiting_takes_nothing_from_the_others() -> None:
    issuer = Issuer()
    issuer.open.clear()
    async with _running(issuer) as keys:
        hasty, patient = (asyncio.create_task(keys.find("one", "ES256")) for _ in range(2))
        await issuer.began.wait()
        hasty.cancel()
        await asyncio.wait([hasty])
        issuer.open.set()
        assert await patient is not None
    assert issuer.asked == 1


async def test_nobody_waits_longer_than_their_patience() -> None:
    issuer = Issuer()
    issuer.open.clear()
    async with _running(issuer, Pace(patience=0.05)) as keys:
        with pytest.raises(AppError) as caught:
            await keys.find("one", "ES256")
    assert caught.value.code is ErrorCode.UNAVAILABLE
