"""A worker is killed in every stage of a generation: nothing is lost, nothing is doubled, and the attempts tell it."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from tests.e2e.client import Client
from tests.faults.census import Census
from tests.faults.commands import (
    Predicate,
    Update,
    changes,
    ends_generation,
    finds_and_modifies,
    inserts,
    nth,
    pushes_event,
    sets,
    updates,
)
from tests.faults.plant import Plant, Process, planted
from tests.faults.tollgate import Hold

_FULL = bool(os.environ.get("FULL"))
_KILLS, _EACH = (20, 20) if _FULL else (1, 3)
_COMMANDS = 60
_MANY = {"USER_RUNNING_LIMIT": "60", "WORKER_SLOTS": "60", "GEMINI_CONCURRENCY": "60"}
_CALM = {"LEASE_S": "6", "PICTURE_GRACE_S": "6"}
"""No shorter than a loaded machine needs."""

type Fate = Literal["never", "late", "last", "unheard"]
"""What becomes of a command that was under way when its sender died.

It never arrives, arrives before anybody else goes on, or after another worker has done it all; or it had happened,
and the sender never heard.
"""


class Story(NamedTuple):
    """How the attempts and the calls in the ledger ended, and how many calls came to the provider."""

    attempts: tuple[str, ...]
    calls: tuple[str, ...]
    seen: int


_LOST = ("LEASE_LOST", "SUCCEEDED")
_ONCE = Story(("SUCCEEDED",), ("SUCCEEDED",), 1)
_UNCALLED = Story(_LOST, ("SUCCEEDED",), 1)
_UNSENT = Story(_LOST, _LOST, 1)
_CUT_OFF = Story(_LOST, _LOST, 2)
_ANSWERED = Story(_LOST, ("SUCCEEDED", "SUCCEEDED"), 2)


class Stage(NamedTuple):
    """The command at which the worker dies, and the story when it happens before anybody else goes on, and when not.

    `fate`: the one that is tried unless all are.
    """

    at: Predicate
    happens: Story
    lost: Story
    fate: Fate

    def story(self, fate: Fate) -> Story:
        return self.happens if fate in {"late", "unheard"} else self.lost


def _touches(update: Update) -> bool:
    return isinstance(update, dict) and set(update) == {"$currentDate"}


def _stage(name: str) -> Predicate:
    return changes("generations", sets("stage", name))


_STAGES = (
    Stage(changes("generations", pushes_event("STARTED")), _UNCALLED, _ONCE, "unheard"),
    Stage(_stage("preparing"), _UNCALLED, _UNCALLED, "last"),
    Stage(finds_and_modifies("provider_slots"), _UNCALLED, _UNCALLED, "last"),
    Stage(_stage("asking Gemini"), _UNSENT, _UNCALLED, "late"),
    Stage(_stage("reading the answer"), _CUT_OFF, _CUT_OFF, "never"),
    Stage(_stage("storing"), _ANSWERED, _CUT_OFF, "unheard"),
    Stage(inserts("pictures"), _ANSWERED, _ANSWERED, "late"),
    Stage(finds_and_modifies("pictures", _touches), _ANSWERED, _ANSWERED, "never"),
    Stage(ends_generation("SUCCEEDED"), _ONCE, _ANSWERED, "last"),
    Stage(inserts("ornament_images"), _ONCE, _ONCE, "late"),
    Stage(updates("generations", sets("settled", True)), _ONCE, _ONCE, "never"),
    Stage(changes("lanes"), _ONCE, _ONCE, "last"),
)
"""Every write of a worker that it waits for, in its order, from the claim to the place in the lane."""


def _stories(plant: Plant, census: Census, ids: Sequence[str], prefix: str = "wish") -> list[Story]:
    """The story of each generation; the number of a wish tells whose call it is."""
    seen = Counter(call.prompt for call in plant.gemini.calls)
    return [
        Story(
            tuple(str(attempt.outcome) for attempt in census.of(identity).attempts),
            tuple(str(call.outcome) for call in census.of(identity).calls),
            sum(count for prompt, count in seen.items() if prompt.endswith(f"{prefix} {number}")),
        )
        for number, identity in enumerate(ids)
    ]


async def _assert_made_once(plant: Plant, census: Census, uploads: int) -> None:
    """As many documents as there are successes, as many pictures besides the uploads; only lost calls maybe billed."""
    calls = [call for one in census.generations for call in one.calls]
    assert [call.maybe_billed for call in calls] == [call.outcome == "LEASE_LOST" for call in calls]
    made = census.statuses["SUCCEEDED"]
    assert await plant.documents["ornament_images"].count_documents({}) == made
    assert await plant.documents["pictures"].count_documents({}) == uploads + made


class Stop(NamedTuple):
    """Where one generation was when the worker died."""

    stage: Stage
    fate: Fate
    hold: Hold


def _stops(doomed: Process) -> Iterator[Stop]:
    """Each takes the first generation that comes there and is not stopped yet."""
    gate = doomed.tollgate
    for stage in _STAGES:
        fates: tuple[Fate, ...] = ("never", "late", "last", "unheard") if _FULL else (stage.fate,)
        for fate in fates:
            yield Stop(stage, fate, (gate.hold_reply if fate == "unheard" else gate.hold)(stage.at))


@asynccontextmanager
async def _unswept(plant: Plant) -> AsyncGenerator[None]:
    """While entered, it is nobody's turn to sweep: what a sweep writes would be taken for a generation's own."""
    turns, never = plant.documents["turns"], datetime(9999, 1, 1, tzinfo=UTC)
    await turns.insert_one({"_id": "rings", "until": never, "schemaVersion": 1})
    yield
    await turns.delete_one({"_id": "rings"})


async def _all_stopped(plant: Plant, ada: Client, image: str, stops: Sequence[Stop]) -> list[str]:
    """As many generations as there are stops, each at another, and one in its call to the provider."""
    stopped = await plant.regenerate(ada, image, len(stops))
    await asyncio.gather(*(stop.hold.caught() for stop in stops))
    plant.gemini.hold()
    ids = await plant.regenerate(ada, image, len(stops) + 1)  # the same ones, and one more
    assert ids[:-1] == stopped
    await plant.gemini.until(lambda seen: seen.in_flight == 1)
    return ids


@pytest.mark.long
@pytest.mark.timeout(300 if _FULL else 180)
async def test_worker_killed_in_every_stage_leaves_one_result_each(tmp_path: Path) -> None:
    async with planted(tmp_path, redis=True, **_MANY, **_CALM) as plant:
        async with _unswept(plant):
            api, doomed = await asyncio.gather(plant.api(), plant.worker(tollgate=True, patient=True))
            ada = await plant.client(api)
            image = await plant.first_image(ada)
            stops = list(_stops(doomed))
            ids = await _all_stopped(plant, ada, image, stops)
            await doomed.kill()
        plant.gemini.release()
        last = [stop.hold for stop in stops if stop.fate == "last"]
        for stop in stops:
            if stop.fate != "last":
                stop.hold.release() if stop.fate == "late" else stop.hold.drop()
        await plant.wait_until(lambda _: doomed.tollgate.connections == len(last))
        await plant.worker()
        await plant.wait_until_settled(1 + len(ids))
        for hold in last:
            hold.release()
        await plant.wait_until(lambda _: doomed.tollgate.connections == 0)
        census = await plant.wait_until_whole(1 + len(ids))
        expected = [_CUT_OFF, *(stop.stage.story(stop.fate) for stop in stops)]
        assert Counter(_stories(plant, census, ids)) == Counter(expected)
        assert census.statuses == {"SUCCEEDED": 1 + len(ids)}
        assert len(plant.gemini.calls) == 1 + sum(story.seen for story in expected)
        await _assert_made_once(plant, census, uploads=1)


async def _killed_somewhere(plant: Plant, chance: random.Random) -> None:
    """Kill the oldest worker at a command of its that chance picks, which is lost or arrives late; start another."""
    doomed = next(one for one in plant.processes if one.alive and one.name.startswith("worker"))
    hold = doomed.tollgate.hold(nth(chance.randint(1, _COMMANDS)))
    await hold.caught()
    await doomed.kill()
    hold.release() if chance.random() < 0.5 else hold.drop()
    await plant.worker(tollgate=True)


def _told(story: Story) -> bool:
    """Whether the attempts end as they should, and each call but the cut-off ones was surely sent."""
    *before, last = story.attempts
    given_up = before == ["LEASE_LOST"] * 5 and last == "FAILED"
    unsent = len(story.calls) - story.seen
    return (
        (given_up or last == "SUCCEEDED")
        and {*before} <= {"LEASE_LOST"}
        and 0 <= unsent <= story.calls.count("LEASE_LOST")
    )


@pytest.mark.long
@pytest.mark.timeout(600 if _FULL else 180)
async def test_workers_killed_at_random_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    seed = time.time_ns()
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    chance = random.Random(seed)  # noqa: S311 - nobody has to fail to guess it
    async with planted(tmp_path, redis=True, GEMINI_CONCURRENCY="5", **_CALM) as plant:
        api, *_ = await asyncio.gather(plant.api(), plant.worker(tollgate=True), plant.worker(tollgate=True))
        people = [await plant.client(api) for _ in range(3)]
        images = [await plant.first_image(person) for person in people]
        plant.gemini.takes_s = 0.1
        ids = {
            prefix: await plant.regenerate(person, image, _EACH, prefix)
            for person, image, prefix in zip(people, images, ("ada", "bob", "eve"), strict=True)
        }
        for _ in range(_KILLS):
            await _killed_somewhere(plant, chance)
        count = len(people) * (1 + _EACH)
        census = await plant.wait_until_whole(count, within_s=300 if _FULL else 60)
        stories = [story for prefix, some in ids.items() for story in _stories(plant, census, some, prefix)]
        assert [story for story in stories if not _told(story)] == []
        assert len(plant.gemini.calls) == len(people) + sum(story.seen for story in stories)
        assert census.statuses.total() == count
        assert census.statuses["FAILED"] == sum("FAILED" in story.attempts for story in stories)
        await _assert_made_once(plant, census, uploads=len(people))
