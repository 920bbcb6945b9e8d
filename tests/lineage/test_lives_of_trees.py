"""Trees under anything that can happen to them at once, against a model that is simple enough to see."""

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, NamedTuple
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
from hypothesis.strategies import integers, lists, sampled_from, tuples
from pymongo import AsyncMongoClient

from app.database.keyset import Stretch
from app.lineage.clearing import clear
from app.lineage.counts import Spot, child_counts, descendant_counts
from app.lineage.deletion import delete_forever
from app.lineage.tombstone import Tombstone
from app.lineage.trash import Trash
from app.lineage.writing import write
from tests.lineage.conftest import DOCUMENTS, Sketch, ids, sketch

_ALL = Stretch(1_001, descending=False)
_LONG_AGO_S = -3600.0
_FEW = 3
_DEEDS = ("begin", "begin", "end", "end", "end twice", "trash", "restore", "delete", "delete")


@dataclass
class Known:
    """What should be of a version that was written: under which path, and whether it is still there."""

    version: Sketch
    there: bool = True

    @property
    def path(self) -> tuple[PydanticObjectId, ...]:
        return self.version.lineage.ancestors


class Deed(NamedTuple):
    """Something that is done to a version, or to the work on one."""

    what: str
    to: int


class Trees(RuleBasedStateMachine):
    """The versions of one owner: made, thrown away, taken back and deleted, several at a time."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.client = AsyncMongoClient[dict[str, Any]](self.url)
        self.database = self.client[f"trees_{uuid4().hex}"]
        self.owner = PydanticObjectId()
        self.known: dict[PydanticObjectId, Known] = {}
        self.running: list[Sketch] = []
        self.trash = Trash(Sketch, delete_forever)

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def connect(self) -> None:
        self.do(init_beanie(database=self.database, document_models=DOCUMENTS))
        self.plant()
        for number in range(6):  # something to delete in the middle of
            self.do(self._perform([Deed("begin", number * 7)]))
            self.do(self._perform([Deed("end", 0)]))

    def teardown(self) -> None:
        self.do(self._finish())
        self.runner.close()

    async def _finish(self) -> None:
        await self.client.drop_database(self.database.name)
        await self.client.close()

    @property
    def living(self) -> list[Sketch]:
        return [known.version for known in self.known.values() if known.there]

    @precondition(lambda self: len(self.living) < _FEW)
    @rule()
    def plant(self) -> None:
        """A first version."""
        self.running.append(sketch().model_copy(update={"owner_id": self.owner}))
        self.do(self._perform([Deed("end", len(self.running) - 1)]))

    @rule(deeds=lists(tuples(sampled_from(_DEEDS), integers(0, 99)), min_size=2, max_size=8))
    def at_once(self, deeds: list[tuple[str, int]]) -> None:
        """Whatever is done at the same time, also to the same version."""
        self.do(self._perform([Deed(*deed) for deed in deeds]))

    @rule(deeds=lists(tuples(sampled_from(("begin", "end", "end twice", "trash")), integers(0, 99)), max_size=4))
    def while_somebody_looks(self, deeds: list[tuple[str, int]]) -> None:
        """Deletions are left out: no grace period is kept here, within which they would be done."""
        looks = [clear({"sketches": Trash(Sketch, delete_forever)}, _LONG_AGO_S) for _ in range(2)]
        self.do(self._perform([Deed(*deed) for deed in deeds], *looks))

    @rule()
    def look_at_tombstones(self) -> None:
        self.do(self._clear())

    async def _perform(self, deeds: list[Deed], *beside: Coroutine[Any, Any, object]) -> None:
        living, running, works = self.living, list(self.running), [*beside]
        for what, to in deeds:
            if what.startswith("end") and running:
                works += self._end(running[to % len(running)], twice=what == "end twice")
            elif not what.startswith("end") and living:
                works += self._done_to(what, living[to % len(living)])
        await asyncio.gather(*works)

    def _end(self, version: Sketch, *, twice: bool) -> list[Coroutine[Any, Any, object]]:
        self.running = [one for one in self.running if one.identity != version.identity]
        self.known[version.identity] = Known(version)
        return [write(version), *([write(version)] if twice else [])]

    def _done_to(self, what: str, version: Sketch) -> list[Coroutine[Any, Any, object]]:
        place = {0: version.identity}
        if what == "begin":
            self.running.append(sketch(version).model_copy(update={"owner_id": self.owner}))
        elif what == "trash":
            return [self.trash.put(self.owner, place)]
        elif what == "restore":
            return [self.trash.restore(self.owner, place)]
        elif what == "delete":
            self.known[version.identity].there = False
            late = write(version)  # by somebody else, who read its generation before it was settled
            return [self.trash.delete_forever(self.owner, place), late]
        return []

    async def _clear(self) -> None:
        for _ in range(2):
            await clear({"sketches": Trash(Sketch, delete_forever)}, _LONG_AGO_S)
        needed = {one for version in self.living for one in version.lineage.ancestors if not self.known[one].there}
        assert {row["_id"] async for row in Tombstone.rows().find({}, {"_id": 1})} == needed

    @invariant()
    def trees_are_as_they_should_be(self) -> None:
        self.do(self._check())

    async def _check(self) -> None:
        """Paths, children, descendants, counts and tombstones agree with the model."""
        living = self.living
        found = {row["_id"]: Sketch.model_validate(row) async for row in Sketch.rows().find({})}
        assert set(found) == set(ids(living))
        for version in found.values():
            _check_place(version, self.known)
        spots = [Spot(one.lineage.root_id, one.identity) for one in living]
        below = {one: [other for other in living if one.version_id in other.lineage.ancestors] for one in spots}
        beneath = {one: [other for other in living if one.version_id == other.parent_id] for one in spots}
        assert await descendant_counts(Sketch, spots) == {one: len(those) for one, those in below.items()}
        assert await child_counts(Sketch, spots) == {one: len(those) for one, those in beneath.items()}
        if living:
            children = await Sketch.children(ids(living), _ALL)
            assert {one: ids(those) for one, those in children.items()} == {
                spot.version_id: sorted(ids(those)) for spot, those in beneath.items() if those
            }
            some = spots[-1]
            assert ids(await found[some.version_id].descendants(_ALL)) == sorted(ids(below[some]))
        gaps = {one for version in living for one in version.lineage.ancestors if one not in found}
        assert gaps <= {row["_id"] async for row in Tombstone.rows().find({}, {"_id": 1})}


def _check_place(version: Sketch, known: dict[PydanticObjectId, Known]) -> None:
    place = version.lineage
    assert place.ancestors == known[version.identity].path
    assert place.depth == len(place.ancestors)
    assert place.root_id == (place.ancestors[0] if place.ancestors else version.identity)
    assert version.parent_id == (place.ancestors[-1] if place.ancestors else None)
    assert version.identity not in place.ancestors
    assert len(set(place.ancestors)) == len(place.ancestors)
    if version.parent_id:
        assert place.ancestors[:-1] == known[version.parent_id].path


@pytest.mark.timeout(1_500 if os.environ.get("FULL") else 120)
def test_trees_keep_their_promises_whatever_happens_at_once(mongodb_url: str) -> None:
    whole = bool(os.environ.get("FULL"))
    machine = type("Trees", (Trees,), {"url": mongodb_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20 if whole else 2,
            stateful_step_count=20 if whole else 14,
            deadline=None,
            phases=[Phase.generate],
        ),
    )
