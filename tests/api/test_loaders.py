from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st

from app.api.loaders import make_loaders, positions_in_turn
from app.generations.model import Generation
from tests.api.conftest import Commands, stored

_ADA, _BOB = PydanticObjectId(), PydanticObjectId()


def _turns(*owners: PydanticObjectId) -> list[int]:
    """The position of each generation of those owners, in the order they came."""
    ids = [PydanticObjectId() for _ in owners]
    positions = positions_in_turn(zip(ids, owners, strict=True))
    return [positions[one] for one in ids]


def test_who_has_many_waiting_does_not_stand_in_the_way_of_who_has_one() -> None:
    assert _turns(_ADA, _ADA, _ADA, _BOB) == [0, 2, 3, 1]


def test_owners_take_turns_and_the_older_one_is_first_in_each() -> None:
    assert _turns(_BOB, _ADA, _ADA, _BOB) == [0, 1, 2, 3]
    assert _turns(_ADA) == [0]
    assert _turns() == []


@given(st.lists(st.sampled_from([PydanticObjectId() for _ in range(4)]), max_size=40))
def test_before_each_are_its_owners_older_ones_and_no_more_of_any_other(owners: list[PydanticObjectId]) -> None:
    places = _turns(*owners)
    assert sorted(places) == list(range(len(owners)))
    for index, (place, owner) in enumerate(zip(places, owners, strict=True)):
        before = [other for other, turn in zip(owners, places, strict=True) if turn < place]
        own = owners[:index].count(owner)
        assert before.count(owner) == own
        assert all(before.count(other) <= own + 1 for other in set(owners))


async def test_all_positions_of_a_page_are_read_in_one_command(commands: Commands) -> None:
    waiting = [await stored(owner) for owner in (_ADA, _ADA, _BOB)]
    commands.sent.clear()
    ids = [generation.identity for generation in waiting]
    assert await make_loaders().queue_positions.load_many([*ids, PydanticObjectId()]) == [0, 2, 1, None]
    assert commands.sent == ["find"]


async def test_what_has_begun_has_no_position(commands: Commands) -> None:
    first, second = await stored(_ADA), await stored(_ADA)
    await Generation.rows().update_one({"_id": first.identity}, {"$set": {"status": "RUNNING"}})
    commands.sent.clear()
    assert await make_loaders().queue_positions.load_many([first.identity, second.identity]) == [None, 0]
