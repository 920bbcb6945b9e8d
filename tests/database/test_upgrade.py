"""Steps from one layout of the documents to the next."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from beanie import PydanticObjectId, init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter is untyped
from bson import ObjectId

from app.database.connection import RawDatabase, RawDocument
from app.database.document import StoredDocument
from app.database.errors import DatabaseError
from app.database.steps import STEPS, Step
from app.database.upgrade import layouts, outdated, require_layouts, upgrade
from app.generations.model import Generation
from app.pictures.intake import AcceptedPicture
from app.pictures.model import Picture, PictureState


class Letter(StoredDocument):
    """A document that has changed twice."""

    schema_version: int = 3

    class Settings:
        """Where it lies."""

        name = "letters"


class Stamp(StoredDocument):
    """A document that never changed."""


def _split_name(document: Mapping[str, Any]) -> RawDocument:
    first, last = document["name"].split(" ")
    return {"$set": {"first": first, "last": last}, "$unset": {"name": ""}}


_SPLIT = Step("split the name", "letters", 1, _split_name)
_COUNT = Step("count the letters", "letters", 2, [{"$set": {"letters": "$pages"}}, {"$unset": "pages"}])


async def _fill(database: RawDatabase, count: int) -> None:
    documents = [{"name": f"Ann {number}", "pages": number, "schemaVersion": 1} for number in range(count)]
    await database["letters"].insert_many(documents)


def test_layouts_are_read_from_the_types() -> None:
    assert layouts([Letter, Stamp]) == {"letters": 3, "Stamp": 1}


def test_every_collection_of_the_registry_is_upgraded_step_by_step() -> None:
    assert sorted({(step.collection, step.from_version) for step in STEPS}) == sorted(
        (step.collection, step.from_version) for step in STEPS
    )


@pytest.mark.long
async def test_steps_are_applied_in_order_and_counted(database: RawDatabase) -> None:
    await _fill(database, 5)
    newer = [{"first": "Eve", "last": "Two", "pages": 7, "schemaVersion": 2} for _ in range(400)]
    await database["letters"].insert_many(newer)
    reports = await upgrade(database, [Letter, Stamp], [_SPLIT, _COUNT])
    assert [(report.step.name, report.changed) for report in reports] == [
        ("split the name", 5),
        ("count the letters", 405),
    ]
    assert await database["letters"].find_one({"last": "4"}, {"_id": 0}) == {
        "first": "Ann",
        "last": "4",
        "letters": 4,
        "schemaVersion": 3,
    }


async def test_second_run_changes_nothing(database: RawDatabase) -> None:
    await _fill(database, 3)
    await upgrade(database, [Letter], [_SPLIT, _COUNT])
    before = await database["letters"].find().to_list()
    assert [report.changed for report in await upgrade(database, [Letter], [_SPLIT, _COUNT])] == [0, 0]
    assert await database["letters"].find().to_list() == before


async def test_interrupted_run_is_continued(database: RawDatabase) -> None:
    await _fill(database, 5)
    await database["letters"].update_one({"pages": 3}, {"$set": {"name": "nobody"}})
    with pytest.raises(DatabaseError, match="'split the name' cannot change"):
        await upgrade(database, [Letter], [_SPLIT, _COUNT])
    done = await database["letters"].count_documents({"schemaVersion": 2})
    await database["letters"].update_one({"pages": 3}, {"$set": {"name": "Ann Body"}})
    reports = await upgrade(database, [Letter], [_SPLIT, _COUNT])
    assert [report.changed for report in reports] == [5 - done, 5]


async def test_documents_of_a_newer_regen_are_refused_before_anything_is_changed(database: RawDatabase) -> None:
    await _fill(database, 2)
    await database["letters"].insert_one({"schemaVersion": 9})
    with pytest.raises(DatabaseError, match=r"letters holds documents of version 9; this Regen knows them up to .* 3"):
        await upgrade(database, [Letter], [_SPLIT, _COUNT])
    assert await database["letters"].count_documents({"schemaVersion": 1}) == 2


async def test_start_on_an_older_layout_says_what_to_do_and_later_ones_do_not_look_again(database: RawDatabase) -> None:
    await _fill(database, 2)
    with pytest.raises(DatabaseError, match=r"2 in letters.*regen upgrade"):
        await require_layouts(database, [Letter, Stamp])
    await upgrade(database, [Letter, Stamp], [_SPLIT, _COUNT])
    await require_layouts(database, [Letter, Stamp])
    await _fill(database, 1)
    await require_layouts(database, [Letter, Stamp])


async def test_missing_step_is_reported(database: RawDatabase) -> None:
    await _fill(database, 2)
    assert await outdated(database, [Letter, Stamp]) == {"letters": 2}
    with pytest.raises(DatabaseError, match=r"No step leads some documents to this version: 2 in letters"):
        await upgrade(database, [Letter], [_SPLIT])


async def test_old_picture_is_loose_and_was_last_touched_when_it_was_made(database: RawDatabase) -> None:
    made_at = datetime(2026, 3, 4, 5, 6, 7)  # noqa: DTZ001 - the driver hands back naive ones
    owner, key = ObjectId(), "a" * 64
    old = {
        "schemaVersion": 1,
        "ownerId": owner,
        "sha256": key,
        "mediaType": "image/jpeg",
        "width": 4,
        "height": 3,
        "byteSize": 500,
        "thumbhash": "AAAA",
        "store": "disk",
        "key": f"{owner}/{key}.jpg",
        "createdAt": made_at,
    }
    await database["pictures"].insert_one(old)
    await init_beanie(database=database, document_models=[Picture])
    await upgrade(database, [Picture], [step for step in STEPS if step.collection == "pictures"])
    (picture,) = await Picture.find_all().to_list()
    assert (picture.state, picture.touched_at) == (PictureState.LOOSE, made_at.replace(tzinfo=UTC))
    assert (picture.schema_version, picture.key) == (2, f"{owner}/{key}.jpg")
    same = AcceptedPicture(b"x", "image/jpeg", 4, 3, key, "AAAA")
    found, is_new = await Picture.record(PydanticObjectId(owner), same, "disk", "jpg")
    assert (found.identity, is_new) == (picture.identity, False)


async def test_generation_of_the_first_layout_goes_on_as_one_of_today(database: RawDatabase) -> None:
    moment, photo, made = datetime(2026, 11, 20, tzinfo=UTC), ObjectId(), ObjectId()
    await database["generations"].insert_one(
        {
            "schemaVersion": 1,
            "ownerId": ObjectId(),
            "kind": "ORNAMENT",
            "recipe": {
                "task": "REPLACE_BACKGROUND",
                "prompts": ["Remove the background"],
                "pictures": [{"pictureId": photo, "sha256": "0" * 64}],
                "provider": "local",
                "model": "basic",
                "parameters": {},
                "parentId": None,
            },
            "idempotencyKey": "owner:key",
            "resultId": ObjectId(),
            "status": "SUCCEEDED",
            "stage": None,
            "percent": 100,
            "settled": True,
            "steps": {"picture": {"pictureId": made, "source": "LOCAL", "applied": [], "note": None}},
            "lastSequence": 2,
            "events": [
                {"sequence": 1, "type": "QUEUED", "at": moment, "stage": None, "percent": 0, "message": None},
                {"sequence": 2, "type": "SUCCEEDED", "at": moment, "stage": None, "percent": 100, "message": None},
            ],
            "attempt": 1,
            "attempts": [{"number": 1, "worker": "w", "startedAt": moment, "endedAt": moment, "outcome": "SUCCEEDED"}],
            "lease": None,
            "notBefore": None,
            "failure": None,
            "createdAt": moment,
            "endedAt": moment,
        }
    )
    await upgrade(database, [Generation])
    await init_beanie(database=database, document_models=[Generation])
    (generation,) = await Generation.find_all().to_list()
    assert generation.picture_ids == [photo, made]
    assert (generation.calls, generation.trimmed, generation.changed_at) == ([], False, moment)
    assert [event.attempt for event in generation.events] == [0, 0]
