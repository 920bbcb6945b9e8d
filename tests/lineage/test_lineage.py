from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st

from app.lineage.version import Lineage
from app.lineage.wishes import combined


@given(st.integers(0, 30))
def test_descendant_knows_its_root_its_parent_and_its_depth(generations: int) -> None:
    ids = [PydanticObjectId() for _ in range(generations + 1)]
    place = Lineage.of_root(ids[0])
    for parent in ids[:-1]:
        place = place.child_of(parent)
    assert place.root_id == ids[0]
    assert place.ancestors == tuple(ids[:-1])
    assert place.parent_id == (ids[-2] if generations else None)
    assert place.depth == generations


def test_wishes_join_by_full_stop_and_space() -> None:
    base = "Remove the background and replace it with white"
    assert combined(base, "Make it shine", "Add gold accents", "Make it brighter") == (
        f"{base}. Make it shine. Add gold accents. Make it brighter"
    )


def test_wish_that_brings_its_own_full_stop_gets_no_second_one() -> None:
    assert combined("Put it on white", " Make it shine. ", "Add gold...") == "Put it on white. Make it shine. Add gold"
