"""The life of a generation, in any order of what can happen to it, against a model that is simple enough to see."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from beanie import PydanticObjectId, init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter of it is untyped
from hypothesis import Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import booleans, integers, sampled_from
from pymongo import AsyncMongoClient

from app.errors import AppError, ErrorCode
from app.generations.attempts import Call, Failure, Outcome
from app.generations.claims import claim
from app.generations.closing import Closing
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.journal import Journal
from app.generations.lanes import Lane
from app.generations.model import Generation, Status
from app.generations.pen import LeaseLostError
from app.generations.service import Generations, OwnerLimits
from app.generations.slots import ProviderSlots
from app.generations.sweeper import Sweeper
from app.generations.switch import Turn
from tests.generations.conftest import RECIPE, ScriptedJob

_KEYS = ("one", "two", "three", "four", "five")
_LIMITS = OwnerLimits(running=2, queued=2)
_RANKS = {Status.QUEUED: 0, Status.RUNNING: 1}
_ENDED = 2
_FAILURE = Failure(code=ErrorCode.TIMEOUT, message="Too slow.", retryable=True)
_LEASE_S = 3600


@dataclass
class Life:
    """What should be: the status, the latest attempt, and whether its lease is held, dead (null) or given back."""

    status: Status = Status.QUEUED
    attempt: int = 0
    held: bool = False
    dead: bool = False
    settled: bool = False
    cancel_requested: bool = False
    in_lane: bool = True
    events: list[str] = field(default_factory=lambda: ["QUEUED"])

    @property
    def open(self) -> bool:
        return self.status in _RANKS

    @property
    def claimable(self) -> bool:
        return self.open and (self.dead or not self.held)

    def end(self, status: Status) -> None:
        self.status, self.held, self.dead = status, False, False
        self.events.append(status)


class Lives(RuleBasedStateMachine):
    """Some generations of one owner; workers that die, sleep past their lease and wake; cancels; sweeps."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.client = AsyncMongoClient[dict[str, Any]](self.url)
        self.database = self.client[f"life_{uuid4().hex}"]
        self.lives: dict[PydanticObjectId, Life] = {}
        self.keys: dict[str, PydanticObjectId] = {}
        self.journals: list[Journal] = []
        self.owner = PydanticObjectId()
        self.job = ScriptedJob(_never)
        queue, hub = InProcessQueue(), InProcessHub()
        self.closing = Closing({"TEST": self.job}, queue, hub, _LIMITS.running)
        self.generations = Generations(queue, hub, self.closing, _LIMITS)
        self.sweeper = Sweeper(queue, _LIMITS.running)

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def connect(self) -> None:
        self.do(init_beanie(database=self.database, document_models=[Generation, Lane, ProviderSlots, Turn]))

    def teardown(self) -> None:
        self.do(self._finish())
        self.runner.close()

    async def _finish(self) -> None:
        await self.client.drop_database(self.database.name)
        await self.client.close()

    def pick(self, number: int) -> PydanticObjectId:
        return list(self.lives)[number % len(self.lives)]

    @rule(key=sampled_from(_KEYS))
    def start(self, key: str) -> None:
        """A known key is answered, a new one is refused exactly when the lane is full."""
        is_full = sum(life.in_lane for life in self.lives.values()) >= _LIMITS.running + _LIMITS.queued
        start = self.generations.start(self.owner, "TEST", RECIPE, key)
        if key not in self.keys and is_full:
            with pytest.raises(AppError) as refused:
                self.do(start)
            assert refused.value.code is ErrorCode.RATE_LIMITED
            return
        started = self.do(start)
        if key in self.keys:
            assert started.identity == self.keys[key]
        else:
            self.keys[key] = started.identity
            self.lives[started.identity] = Life()

    @precondition(lambda self: self.lives)
    @rule(number=integers(0, 9))
    def claim(self, number: int) -> None:
        identity = self.pick(number)
        life = self.lives[identity]
        claimed = self.do(claim(identity, f"w{life.attempt + 1}", _LEASE_S))
        assert (claimed is not None) == life.claimable
        if claimed is None:
            return
        life.status, life.held, life.dead = Status.RUNNING, True, False
        life.attempt += 1
        life.events.append("STARTED")
        assert claimed.attempt == life.attempt
        self.journals.append(self.do(_journal(claimed)))

    def write(self, number: int, write: Callable[[Journal], Coroutine[Any, Any, object]]) -> tuple[Life, bool]:
        """A write of some worker, dead to the world or not: let through exactly when its attempt is the latest."""
        journal = self.journals[number % len(self.journals)]
        life = self.lives[journal.generation.identity]
        allowed = life.status is Status.RUNNING and life.held and life.attempt == journal.attempt.number
        try:
            self.do(write(journal))
        except LeaseLostError:
            assert not allowed
            return life, False
        assert allowed
        return life, True

    @precondition(lambda self: self.journals)
    @rule(number=integers(0, 99), percent=integers(0, 99))
    def stage(self, number: int, percent: int) -> None:
        life, written = self.write(number, lambda journal: journal.stage("drawing", percent))
        if written:
            life.events.append("STAGE")

    @precondition(lambda self: self.journals)
    @rule(number=integers(0, 99))
    def call(self, number: int) -> None:
        self.write(number, _call)

    @precondition(lambda self: self.journals)
    @rule(number=integers(0, 99))
    def renew(self, number: int) -> None:
        life, written = self.write(number, lambda journal: journal.renew(_LEASE_S))
        if written:
            life.dead = False

    @precondition(lambda self: self.journals)
    @rule(number=integers(0, 99), status=sampled_from([Status.SUCCEEDED, Status.FAILED]))
    def end(self, number: int, status: Status) -> None:
        failure = _FAILURE if status is Status.FAILED else None
        life, written = self.write(number, lambda journal: journal.end(status, failure))
        if written:
            life.end(status)

    @precondition(lambda self: self.journals)
    @rule(number=integers(0, 99), give_back=booleans())
    def let_go(self, number: int, give_back: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        life, written = self.write(
            number, lambda journal: journal.give_back() if give_back else journal.retry(_FAILURE, 0)
        )
        if written:
            life.held = life.dead = False
            life.events.append("RETRYING")

    @precondition(lambda self: self.lives)
    @rule(number=integers(0, 9))
    def lease_runs_out(self, number: int) -> None:
        identity = self.pick(number)
        life = self.lives[identity]
        if life.held and life.open:
            past = {"$set": {"lease.until": {"$subtract": ["$$NOW", 1000]}}}
            self.do(_update(identity, past))
            life.dead = True

    @precondition(lambda self: self.lives)
    @rule(number=integers(0, 9))
    def cancel(self, number: int) -> None:
        identity = self.pick(number)
        life = self.lives[identity]
        cancel = self.generations.cancel(self.owner, identity)
        if life.status in {Status.SUCCEEDED, Status.FAILED}:
            with pytest.raises(AppError) as late:
                self.do(cancel)
            assert late.value.code is ErrorCode.CONFLICT
            return
        self.do(cancel)
        if life.claimable:
            life.end(Status.CANCELLED)
            life.settled, life.in_lane = True, False
        elif life.open and not life.cancel_requested:
            life.cancel_requested = True
            life.events.append("CANCEL_REQUESTED")

    @precondition(lambda self: self.lives)
    @rule(number=integers(0, 9))
    def complete(self, number: int) -> None:
        identity = self.pick(number)
        self.do(self.closing.complete_left_over(identity))
        life = self.lives[identity]
        if not life.open and not life.settled:
            life.settled, life.in_lane = True, False

    @rule()
    def sweep(self) -> None:
        self.do(self.sweeper.sweep())
        for life in self.lives.values():
            life.in_lane &= life.open

    @invariant()
    def every_document_is_as_it_should_be(self) -> None:
        for identity, life in self.lives.items():
            found = self.do(_stored(identity))
            assert (found.status, found.attempt, found.settled) == (life.status, life.attempt, life.settled)
            assert (found.lease is not None) == life.held
            assert [event.type for event in found.events] == life.events
            assert [event.sequence for event in found.events] == list(range(1, found.last_sequence + 1))
            _check_attempts(found)
        lane = self.do(Lane.get(self.owner)) if self.lives else None
        expected = [identity for identity, life in self.lives.items() if life.in_lane]
        assert (lane.open if lane else []) == expected


def _check_attempts(found: Generation) -> None:
    assert [one.number for one in found.attempts] == list(range(1, found.attempt + 1))
    assert [one.outcome for one in found.attempts].count(Outcome.SUCCEEDED) <= 1
    still_open = [one.number for one in found.attempts if one.outcome is None]
    assert still_open == ([found.attempt] if found.lease else [])
    assert all(one.outcome or one.attempt in still_open for one in found.calls)
    assert [one.number for one in found.calls] == list(range(1, len(found.calls) + 1))


async def _never(_: object) -> None:
    raise NotImplementedError


async def _journal(generation: Generation) -> Journal:
    return Journal.of(generation)


async def _call(journal: Journal) -> None:
    generation = journal.generation
    journal.note_call(
        Call(
            number=len(generation.calls) + 1,
            attempt=journal.attempt.number,
            provider="p",
            model="m",
            billable=True,
            started_at=journal.now(),
        )
    )
    await journal.write()


async def _update(identity: PydanticObjectId, change: dict[str, Any]) -> None:
    await Generation.rows().update_one({"_id": identity}, [change])


async def _stored(identity: PydanticObjectId) -> Generation:
    found = await Generation.get(identity)
    assert found is not None
    return found


@pytest.mark.timeout(1_500 if os.environ.get("FULL") else 120)
def test_any_life_keeps_its_promises(mongodb_url: str) -> None:
    whole = bool(os.environ.get("FULL"))
    machine = type("Lives", (Lives,), {"url": mongodb_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=120 if whole else 4,
            stateful_step_count=40 if whole else 25,
            deadline=None,
            phases=[Phase.generate],
        ),
    )
