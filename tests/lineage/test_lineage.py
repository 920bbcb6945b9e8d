from typing import Any

from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from app.database.upgrade import upgrade
from app.lineage.place import Lineage
from app.lineage.wishes import combined
from app.ornaments.model import OrnamentImage


@given(st.integers(0, 30))
def test_descendant_knows_its_root_its_parent_and_its_depth(generations: int) -> None:
    ids = [PydanticObjectId() for _ in range(generations + 1)]
    places = [Lineage.of_root(ids[0])]
    for parent in ids[:-1]:
        places.append(places[-1].child_of(parent))
    place = places[-1]
    assert place.root_id == ids[0]
    assert place.ancestors == tuple(ids[:-1])
    assert place.parent_id == (ids[-2] if generations else None)
    assert place.depth == len(place.ancestors) == generations
    assert [place.of_ancestor(depth) for depth in range(generations)] == places[:-1]


def test_depth_is_stored() -> None:
    place = Lineage.of_root(PydanticObjectId()).child_of(PydanticObjectId())
    assert place.model_dump(by_alias=True)["depth"] == 1


def test_wishes_join_by_full_stop_and_space() -> None:
    base = "Remove the background and replace it with white"
    assert combined(base, "Make it shine", "Add gold accents", "Make it brighter") == (
        f"{base}. Make it shine. Add gold accents. Make it brighter"
    )


def test_wish_that_brings_its_own_full_stop_gets_no_second_one() -> None:
    assert combined("Put it on white", " Make it shine. ", "Add gold...") == "Put it on white. Make it shine. Add gold"


async def test_upgrade_tells_older_images_their_depth_and_that_they_are_in_no_trash(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    root, parent, own = [PydanticObjectId() for _ in range(3)]
    old = {
        "_id": own,
        "schemaVersion": 1,
        "uploadedPictureId": PydanticObjectId(),
        "lineage": {"rootId": root, "ancestors": [root, parent]},
    }
    await database["ornament_images"].insert_one(old)
    await upgrade(database, [OrnamentImage])
    found = await database["ornament_images"].find_one({"_id": own})
    assert found
    assert found["lineage"] == {"rootId": root, "ancestors": [root, parent], "depth": 2}
    assert found["trashedAt"] is None
