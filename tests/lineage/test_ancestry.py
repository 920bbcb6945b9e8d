from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st

from app.lineage.ancestry import nearest_common_ancestor, path_of
from tests.lineage.conftest import Commands, chain, sketch

_A, _B, _C, _D, _E = (PydanticObjectId() for _ in range(5))


def test_nearest_is_where_two_branches_part() -> None:
    assert nearest_common_ancestor([_A, _B, _C], [_A, _B, _D, _E]) == _B
    assert nearest_common_ancestor([_A, _B], [_A, _C]) == _A


def test_version_above_another_is_itself_the_nearest() -> None:
    assert nearest_common_ancestor([_A], [_A, _B, _C]) == _A
    assert nearest_common_ancestor([_A, _B], [_A, _B]) == _B


def test_versions_of_two_trees_have_none() -> None:
    assert nearest_common_ancestor([_A, _B], [_C, _D]) is None


@given(st.lists(st.integers(min_value=0), min_size=2, max_size=30), st.data())
def test_it_is_the_deepest_of_those_that_both_descend_from(parents: list[int], data: st.DataObject) -> None:
    paths = [[PydanticObjectId()]]
    for parent in parents:
        paths.append([*paths[parent % len(paths)], PydanticObjectId()])
    one, other = data.draw(st.sampled_from(paths)), data.draw(st.sampled_from(paths))
    assert nearest_common_ancestor(one, other) == [identity for identity in one if identity in other][-1]
    assert nearest_common_ancestor(one, other) == nearest_common_ancestor(other, one)


async def test_path_of_a_version_is_what_is_stored_with_it(commands: Commands) -> None:
    root = sketch()
    deep = chain(root, 3)
    assert path_of(root) == (root.identity,)
    assert path_of(deep[-1]) == (root.identity, *(one.identity for one in deep))
    assert commands.sent == []
