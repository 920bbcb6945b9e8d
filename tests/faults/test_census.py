"""The census complains about each breach of the promise, and about nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from tests.faults.census import Census, CountedAttempt, CountedCall, CountedGeneration, take_census

_NAMES = ("done", "waits", "image", "photo", "made", "stray", "lost", "going", "owner")
_LOST, _DONE = CountedAttempt(1, "a", "LEASE_LOST"), CountedAttempt(2, "b", "SUCCEEDED")
_WHOLE = CountedGeneration(
    id="g",
    owner_id="o",
    status="SUCCEEDED",
    settled=True,
    trimmed=False,
    last_sequence=5,
    result_id="r",
    failure=None,
    events=((1, "QUEUED"), (2, "STARTED"), (3, "STARTED"), (4, "STAGE"), (5, "SUCCEEDED")),
    attempts=(_LOST, _DONE),
    calls=(CountedCall(1, 1, "gemini", None, maybe_billed=True), CountedCall(2, 2, "gemini", "OK", maybe_billed=False)),
    results=("r",),
)


def _events(*types: str) -> dict[str, Any]:
    return {"events": tuple(enumerate(types, start=1)), "last_sequence": len(types)}


def test_whole_generation_gives_no_complaint() -> None:
    assert list(_WHOLE.complaints()) == []
    again = _events("QUEUED", "STARTED", "PREVIEW", "RETRYING", "CANCEL_REQUESTED", "STARTED", "SUCCEEDED")
    assert list(replace(_WHOLE, **again).complaints()) == []
    assert list(replace(_WHOLE, events=((5, "SUCCEEDED"),), trimmed=True).complaints()) == []
    cancelled = replace(_WHOLE, status="CANCELLED", attempts=(), calls=(), results=(), **_events("QUEUED", "CANCELLED"))
    assert list(cancelled.complaints()) == []


@pytest.mark.parametrize(
    ("breach", "complaint"),
    [
        ({"status": "RUNNING"}, "has not ended"),
        ({"settled": False}, "is not settled"),
        ({"events": ((1, "QUEUED"), (3, "STARTED"), (4, "SUCCEEDED")), "last_sequence": 3}, "with the numbers"),
        ({"events": ((1, "QUEUED"), (2, "STARTED"), (2, "SUCCEEDED")), "last_sequence": 3}, "with the numbers"),
        ({"last_sequence": 6}, "says that its last event is 6"),
        ({"trimmed": True}, "says that its last event is 5"),
        (_events("QUEUED", "STARTED", "SUCCEEDED", "SUCCEEDED"), "its events are"),
        (_events("QUEUED", "STARTED", "SUCCEEDED", "STAGE"), "its events are"),
        (_events("QUEUED", "STARTED"), "its events are"),
        (_events("QUEUED", "STARTED", "FAILED"), "its events are"),
        (_events("QUEUED", "STAGE", "SUCCEEDED"), "has STAGE after QUEUED"),
        (_events("STARTED", "SUCCEEDED"), "has STARTED after nothing"),
        (_events("QUEUED", "STARTED", "RETRYING", "STAGE", "SUCCEEDED"), "has STAGE after RETRYING"),
        (_events("QUEUED", "STARTED", "SNAPSHOT", "SUCCEEDED"), "has a SNAPSHOT"),
        (_events("QUEUED", "STARTED", "SUCCEEDED"), "has 2 attempts and its events are"),
        ({"attempts": (_LOST, replace(_DONE, number=3))}, "attempts with the numbers [1, 3]"),
        ({"attempts": (replace(_LOST, outcome=None), _DONE)}, "left open"),
        ({"attempts": (replace(_DONE, number=1), _DONE)}, "attempts ended as"),
        ({"attempts": (_LOST, replace(_LOST, number=2))}, "attempts ended as"),
        ({"status": "FAILED", "results": (), **_events("QUEUED", "STARTED", "FAILED")}, "an attempt that succeeded"),
        ({"results": ()}, "has the results []"),
        ({"results": ("r", "r2")}, "has the results"),
        ({"results": ("r2",)}, "has the results"),
        ({"calls": (CountedCall(2, 1, "gemini", "OK", maybe_billed=False),)}, "ledger entries with the numbers [2]"),
        ({"calls": (CountedCall(1, 3, "gemini", "OK", maybe_billed=False),)}, "of attempts that there are none of"),
        ({"calls": (CountedCall(1, 1, "gemini", None, maybe_billed=False),)}, "left open"),
    ],
)
def test_each_breach_gives_its_complaint(breach: dict[str, Any], complaint: str) -> None:
    found = list(replace(_WHOLE, **breach).complaints())
    assert any(complaint in one for one in found), found


def test_failed_generation_with_a_result_gives_a_complaint() -> None:
    failed = replace(_WHOLE, status="FAILED", attempts=(_LOST,), **_events("QUEUED", "STARTED", "FAILED"))
    assert any("has the results ['r']" in one for one in failed.complaints())


def test_what_waits_for_its_sweep_may_be_left_out() -> None:
    census = Census((_WHOLE,), {"o": ("never stored",)}, {}, ("p",), ("pictures/o/p.png",))
    assert len(census.complaints()) == 3
    assert census.at_rest
    census.assert_whole(swept=False)
    with pytest.raises(AssertionError, match="nothing refers to picture p"):
        census.assert_whole()


@pytest.mark.parametrize("held", [{"lanes": {"o": ("g",)}}, {"slots": {"gemini": ("g",)}}])
def test_place_that_is_still_held_gives_a_complaint(held: dict[str, Any]) -> None:
    census = replace(Census((_WHOLE,), {}, {}), **held)
    assert not census.at_rest
    assert any("still held by ['g']" in one for one in census.complaints(swept=False))


@pytest.fixture
async def counted(bare_database: AsyncDatabase[dict[str, Any]], tmp_path: Path) -> Census:
    """A succeeded generation with its image, one that waits, two strange files and a strange picture."""
    ids = {name: ObjectId() for name in _NAMES}
    keys = {name: f"{ids['owner']}/{name}.png" for name in ("photo", "made", "stray", "going")}
    common = {"ownerId": ids["owner"], "lastSequence": 1, "events": [{"sequence": 1, "type": "QUEUED"}], "attempts": []}
    done = {"_id": ids["done"], "status": "SUCCEEDED", "settled": True, "resultId": ids["image"]}
    waits = {"_id": ids["waits"], "status": "QUEUED", "settled": False, "resultId": ObjectId()}
    ledger = [{"number": 1, "attempt": 1, "provider": "gemini", "outcome": None, "maybeBilled": True}]
    await bare_database["generations"].insert_many(
        [
            {**common, **done, "pictureIds": [ids["photo"], ids["made"]], "calls": ledger},
            {**common, **waits, "pictureIds": [ids["photo"], ids["lost"], ids["going"]], "failure": None},
        ]
    )
    image = {"_id": ids["image"], "generationId": ids["done"]}
    sources = [{"pictureId": ids["photo"]}]
    await bare_database["ornament_images"].insert_one({**image, "pictureId": ids["made"], "sources": sources})
    states = {"going": "DELETING"}
    await bare_database["pictures"].insert_many(
        [{"_id": ids[name], "key": key, "state": states.get(name, "HELD")} for name, key in keys.items()]
    )
    await bare_database["provider_slots"].insert_one({"_id": "gemini", "taken": [{"generationId": ids["waits"]}]})
    await bare_database["lanes"].insert_one({"_id": ids["owner"], "open": [ids["waits"]]})
    for name in ("made.png", "stray.png"):
        for folder, ending in (("pictures", ""), ("renditions/320", ".webp")):
            file = tmp_path / folder / str(ids["owner"]) / f"{name}{ending}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "x.part").touch()
    census = await take_census(bare_database, tmp_path)
    assert census.unused_pictures == (str(ids["stray"]),)
    assert census.missing_pictures == tuple(sorted((str(ids["lost"]), str(ids["going"]))))
    assert census.lanes == {str(ids["owner"]): (str(ids["waits"]),)}
    assert census.slots == {"gemini": (str(ids["waits"]),)}
    assert census.of(str(ids["done"])).results == (str(ids["image"]),)
    return census


async def test_census_finds_what_lies_in_database_and_folder(counted: Census) -> None:
    assert counted.statuses == {"SUCCEEDED": 1, "QUEUED": 1}
    assert counted.calls == 1
    unused = [(file.partition("/")[0], file.rpartition("/")[2]) for file in counted.unused_files]
    assert unused == [("pictures", "stray.png"), ("renditions", "stray.png.webp"), ("unfinished", "x.part")]
    assert [file.rpartition("/")[2] for file in counted.missing_files] == ["photo.png"]
