from typing import Any

import pytest
from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.sessions import Client
from app.api.context import Context
from app.api.loaders import make_loaders, positions_in_turn
from app.api.schema import show_result
from app.generations.model import Generation
from tests.api.conftest import Commands, stored


@pytest.fixture
def context() -> Context:
    services: Any = object()
    return Context(services, "r", "http://regen.test", Client(), show_result)


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


def test_operations_that_share_a_socket_share_no_loaders(context: Context) -> None:
    first, second = context.of_operation(), context.of_operation()
    assert first.loaders is not second.loaders
    assert (first.viewer, first.services, first.edge) == (context.viewer, context.services, context.edge)


async def test_what_changed_since_the_last_event_is_read_anew(commands: Commands) -> None:
    generation, loaders = await stored(_ADA), make_loaders()
    commands.sent.clear()
    for status in ("RUNNING", "SUCCEEDED"):
        await Generation.rows().update_one({"_id": generation.identity}, {"$set": {"status": status}})
        both = await loaders.generations.load_many([generation.identity, generation.identity])
        assert [one and one.status for one in both] == [status, status]
    assert commands.sent == ["update", "find"] * 2
