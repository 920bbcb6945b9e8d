"""A cancel in every stage of a generation: it really stops what runs, and loses only to a result that is there."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from bson import ObjectId

from tests.e2e.client import Client
from tests.faults.census import CountedGeneration
from tests.faults.commands import (
    Predicate,
    changes,
    ends_generation,
    finds_and_modifies,
    nth,
    pushes_event,
    sets,
)
from tests.faults.plant import Plant, Process, document_id, planted
from tests.faults.provider import limited, refused
from tests.sampled import sampled

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]
_TOO_LATE = "The cancel came too late: the result was there already."
_COLLECTIONS = frozenset({"generations", "provider_slots", "pictures", "ornament_images", "lanes"})
_COMMANDS = 14
"""How many commands on them a generation needs, from its claim on."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A server and a worker that sweep rarely; one generation of a user at a time, and one call to the provider."""

    plant: Plant
    api: Process
    worker: Process
    ada: Client
    image: str

    @property
    def calls(self) -> int:
        return len(self.plant.gemini.calls)

    async def start(self, wish: str, who: Client | None = None, image: str | None = None) -> str:
        """The global id of a new generation."""
        payload = await (who or self.ada).regenerate(image or self.image, wish)
        assert payload["errors"] == []
        identity: str = payload["generation"]["id"]
        return identity

    async def cancelled(self, identity: str) -> Any:
        """The generation as the cancel answers."""
        payload = await self.ada.cancel(identity)
        assert payload["errors"] == [], payload
        return payload["generation"]

    async def asked_to_stop(self, identity: str) -> None:
        """Cancel what runs."""
        shown = await self.cancelled(identity)
        assert (shown["status"], shown["endedAt"]) == ("RUNNING", None)
        assert shown["cancelRequestedAt"] is not None

    async def too_late(self, identity: str, status: str) -> None:
        """Cancel what has ended as something else."""
        payload = await self.ada.cancel(identity)
        assert payload["generation"]["status"] == status
        assert payload["generation"]["endedAt"] is not None
        (error,) = payload["errors"]
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", "id"])
        assert f"too late: it has ended as {status}" in error["message"]

    async def ended(self, identity: str, status: str = "CANCELLED") -> CountedGeneration:
        """The generation when all is at rest again and nothing is wrong; its events have come in their order."""
        census = await self.plant.wait_until(lambda census: census.at_rest)
        census.assert_whole(swept=False)
        told = census.of(document_id(identity))
        assert told.status == status
        events = await self.events(identity)
        assert [event["at"] for event in events] == sorted(event["at"] for event in events)
        return told

    async def events(self, identity: str) -> list[dict[str, Any]]:
        row = await self.plant.documents["generations"].find_one({"_id": ObjectId(document_id(identity))})
        assert row is not None
        events: list[dict[str, Any]] = row["events"]
        return events


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Scene]:
    limits = {"USER_RUNNING_LIMIT": "1", "GEMINI_CONCURRENCY": "1", "SWEEP_EVERY_S": "5", "LEASE_S": "5"}
    async with planted(tmp_path_factory.mktemp("cancel"), redis=True, **limits) as plant:
        api, worker = await asyncio.gather(plant.api(), plant.worker(tollgate=True, patient=True))
        ada = await plant.client(api)
        yield Scene(plant, api, worker, ada, await plant.first_image(ada))


def _outcomes(told: CountedGeneration) -> tuple[list[str | None], list[tuple[str | None, bool]]]:
    """Of its attempts, and of its calls with whether they may be billed."""
    return [one.outcome for one in told.attempts], [(one.outcome, one.maybe_billed) for one in told.calls]


async def test_queued_one_ends_at_once_and_is_never_begun(scene: Scene) -> None:
    before = scene.calls
    scene.worker.pause()
    identity = await scene.start("queued")
    shown = await scene.cancelled(identity)
    assert (shown["status"], shown["cancelRequestedAt"]) == ("CANCELLED", None)
    assert shown["endedAt"] is not None
    scene.worker.resume()
    await scene.ended(await scene.start("after the queued one"), "SUCCEEDED")
    assert _outcomes(await scene.ended(identity)) == ([], [])
    assert [event["type"] for event in await scene.events(identity)] == ["QUEUED", "CANCELLED"]
    assert scene.calls == before + 1


async def test_one_outside_its_owners_window_ends_at_once(scene: Scene) -> None:
    before = scene.calls
    scene.plant.gemini.hold()
    running, waiting, third = [await scene.start(wish) for wish in ("runs", "waits", "waits longer")]
    await scene.plant.gemini.until(lambda seen: seen.in_flight == 1)
    assert (await scene.cancelled(waiting))["status"] == "CANCELLED"
    scene.plant.gemini.release()
    assert _outcomes(await scene.ended(waiting)) == ([], [])
    for other in (running, third):
        await scene.ended(other, "SUCCEEDED")
    assert scene.calls == before + 2


@pytest.mark.parametrize(
    ("at", "reply"),
    [
        (changes("generations", pushes_event("STARTED")), True),
        (changes("generations", sets("stage", "preparing")), False),
        (changes("generations", sets("stage", "preparing")), True),
        (finds_and_modifies("provider_slots"), True),
        (changes("generations", sets("stage", "asking Gemini")), False),
    ],
    ids=["claimed", "preparing", "prepared", "on its slot", "before its ledger entry"],
)
async def test_one_that_has_not_called_never_calls(scene: Scene, at: Predicate, *, reply: bool) -> None:
    before = scene.calls
    hold = (scene.worker.tollgate.hold_reply if reply else scene.worker.tollgate.hold)(at)
    identity = await scene.start("not called")
    await hold.caught()
    await scene.asked_to_stop(identity)
    hold.release()
    census = await scene.plant.wait_until(lambda census: census.of(document_id(identity)).settled)
    assert census.slots.get("gemini", ()) == ()
    assert _outcomes(await scene.ended(identity)) == (["CANCELLED"], [])
    assert scene.calls == before


async def test_call_that_runs_is_cancelled_at_the_provider_however_often_one_asks(scene: Scene) -> None:
    gone = len(scene.plant.gemini.disconnected)
    scene.plant.gemini.hold()
    identity = await scene.start("calls")
    await scene.plant.gemini.until(lambda seen: seen.in_flight == 1)
    answers = await asyncio.gather(*(scene.cancelled(identity) for _ in range(4)))
    assert all(shown["cancelRequestedAt"] for shown in answers)
    await scene.plant.gemini.until(lambda seen: seen.disconnected[gone:] == [len(seen.calls)])
    scene.plant.gemini.release()
    assert _outcomes(await scene.ended(identity)) == (["CANCELLED"], [("CANCELLED", True)])
    assert [event["type"] for event in await scene.events(identity)][-2:] == ["CANCEL_REQUESTED", "CANCELLED"]
    assert (await scene.cancelled(identity))["status"] == "CANCELLED"


async def test_one_that_waits_for_the_provider_lets_go_without_a_call(scene: Scene) -> None:
    bob = await scene.plant.client(scene.api)
    his_image = await scene.plant.first_image(bob)
    before = scene.calls
    scene.plant.gemini.hold()
    his = await scene.start("has the slot", bob, his_image)
    await scene.plant.gemini.until(lambda seen: seen.in_flight == 1)
    refusal = scene.worker.tollgate.hold_reply(finds_and_modifies("provider_slots"))
    identity = await scene.start("waits for the slot")
    await refusal.caught()
    refusal.release()
    await scene.asked_to_stop(identity)
    await scene.plant.wait_until(lambda census: census.of(document_id(identity)).status == "CANCELLED")
    assert scene.plant.gemini.in_flight == 1
    scene.plant.gemini.release()
    assert _outcomes(await scene.ended(identity)) == (["CANCELLED"], [])
    assert _outcomes(await scene.ended(his, "SUCCEEDED")) == (["SUCCEEDED"], [("SUCCEEDED", False)])
    assert scene.calls == before + 1


async def test_one_that_waits_for_its_next_attempt_ends_at_once(scene: Scene) -> None:
    before = scene.calls
    scene.plant.gemini.then(limited(60))
    identity = await scene.start("put off")
    await scene.plant.wait_until(lambda census: census.of(document_id(identity)).events[-1][1] == "RETRYING")
    assert (await scene.cancelled(identity))["status"] == "CANCELLED"
    assert _outcomes(await scene.ended(identity)) == (["FAILED"], [("FAILED", False)])
    assert scene.calls == before + 1


async def test_cancel_while_the_result_is_being_written_loses_and_says_so(scene: Scene) -> None:
    ending = scene.worker.tollgate.hold(ends_generation("SUCCEEDED"))
    identity = await scene.start("nearly there")
    await ending.caught()
    await scene.asked_to_stop(identity)
    ending.release()
    told = await scene.ended(identity, "SUCCEEDED")
    assert (_outcomes(told), len(told.results)) == ((["SUCCEEDED"], [("SUCCEEDED", False)]), 1)
    *_, asked, last = await scene.events(identity)
    assert (asked["type"], last["type"], last["message"]) == ("CANCEL_REQUESTED", "SUCCEEDED", _TOO_LATE)
    await scene.too_late(identity, "SUCCEEDED")


async def test_cancel_after_the_end_is_a_conflict_even_if_the_worker_does_not_know_it_yet(scene: Scene) -> None:
    ended = scene.worker.tollgate.hold_reply(ends_generation("SUCCEEDED"))
    identity = await scene.start("there")
    await ended.caught()
    await scene.too_late(identity, "SUCCEEDED")
    ended.release()
    told = await scene.ended(identity, "SUCCEEDED")
    assert told.events[-1] == (told.last_sequence, "SUCCEEDED")
    assert len(told.results) == 1
    await scene.too_late(identity, "SUCCEEDED")
    scene.plant.gemini.then(refused)
    identity = await scene.start("fails")
    await scene.ended(identity, "FAILED")
    await scene.too_late(identity, "FAILED")


@pytest.mark.parametrize("number", sampled(range(1, 1 + _COMMANDS), *range(2, 1 + _COMMANDS, 4)))
async def test_cancel_at_any_command_has_one_end(scene: Scene, number: int) -> None:
    before = scene.calls
    hold = scene.worker.tollgate.hold(nth(number, _COLLECTIONS))
    identity = await scene.start(f"any {number}")
    await hold.caught()
    payload = await scene.ada.cancel(identity)
    hold.release()
    await scene.plant.wait_until(lambda census: census.at_rest)
    status = (await scene.plant.census()).of(document_id(identity)).status
    told = await scene.ended(identity, status)
    assert status in {"CANCELLED", "SUCCEEDED"}
    assert [error["code"] for error in payload["errors"]] in ([], ["CONFLICT"])
    assert status == "SUCCEEDED" or payload["errors"] == []
    assert len(told.calls) == scene.calls - before
