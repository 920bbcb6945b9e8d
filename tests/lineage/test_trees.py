import pytest

from app.database.keyset import Stretch
from app.lineage.counts import Spot, child_counts, descendant_counts
from app.lineage.tombstone import Tombstone
from tests.lineage.conftest import Commands, Sketch, chain, ids, sketch, stored

_ALL = Stretch(1_001, descending=False)


def _spots(*versions: Sketch) -> list[Spot]:
    return [Spot(version.lineage.root_id, version.identity) for version in versions]


@pytest.mark.long
async def test_descendants_of_any_depth_come_with_one_command(commands: Commands) -> None:
    root, other = sketch(), sketch()
    deep = chain(root, 300)
    await stored([root, *deep, other, *chain(other, 3)])
    commands.sent.clear()
    assert ids(await root.descendants(_ALL)) == ids(deep)
    assert ids(await deep[149].descendants(_ALL)) == ids(deep[150:])
    assert await deep[-1].descendants(_ALL) == []
    assert commands.sent == ["find"] * 3


async def test_max_depth_counts_from_the_version_that_is_asked(commands: Commands) -> None:
    root = sketch()
    deep = chain(root, 6)
    await stored([root, *deep, beside := sketch(deep[2])])
    commands.sent.clear()
    assert ids(await deep[1].descendants(_ALL, 1)) == [deep[2].identity]
    assert ids(await deep[1].descendants(_ALL, 2)) == [deep[2].identity, deep[3].identity, beside.identity]
    assert commands.sent == ["find"] * 2


async def test_pages_of_a_tree_join_without_a_gap_or_a_double(commands: Commands) -> None:
    root = sketch()
    wide = [sketch(root) for _ in range(25)]
    await stored([root, *wide])
    commands.sent.clear()
    seen = list[Sketch]()
    while page := await Sketch.tree(root.identity, Stretch(10, False, seen[-1].identity if seen else None)):
        seen += page
    assert ids(seen) == ids([root, *wide])


async def test_children_of_many_parents_come_with_one_command_each_list_cut_at_the_limit(commands: Commands) -> None:
    roots = [sketch() for _ in range(4)]
    families = [[sketch(root) for _ in range(number)] for root, number in zip(roots, (5, 1, 0, 3), strict=True)]
    await stored([*roots, *(child for family in families for child in family)])
    commands.sent.clear()
    found = await Sketch.children(ids(roots), Stretch(3, descending=False))
    assert commands.sent == ["aggregate"]
    assert {parent: ids(children) for parent, children in found.items()} == {
        root.identity: ids(family[:3]) for root, family in zip(roots, families, strict=True) if family
    }
    after = Stretch(3, descending=False, newer_than=families[0][2].identity)
    assert ids((await Sketch.children([roots[0].identity], after))[roots[0].identity]) == ids(families[0][3:])


async def test_counts_of_many_versions_take_one_command_each(commands: Commands) -> None:
    root = sketch()
    deep = chain(root, 30)
    wide = [sketch(deep[9]) for _ in range(5)]
    await stored([root, *deep, *wide])
    commands.sent.clear()
    spots = _spots(root, deep[9], deep[-1], wide[0])
    assert list((await descendant_counts(Sketch, spots)).values()) == [35, 25, 0, 0]
    assert list((await child_counts(Sketch, spots)).values()) == [1, 6, 0, 0]
    assert commands.sent == ["find", "aggregate"]
    many = _spots(root, *deep, *wide, *(sketch(root) for _ in range(400)))
    commands.sent.clear()
    found = await child_counts(Sketch, many)
    assert [found[spot] for spot in spots] == [1, 6, 0, 0]
    assert commands.sent == ["find"]


async def test_counts_see_through_what_was_deleted_for_ever(commands: Commands) -> None:
    root = sketch()
    deep = chain(root, 5)
    gone = [deep[1], deep[2]]
    await stored([root, *(one for one in deep if one not in gone)])
    await Tombstone.keep([Tombstone.for_version(one) for one in gone])
    commands.sent.clear()
    assert list((await descendant_counts(Sketch, _spots(root, deep[0], deep[3]))).values()) == [3, 2, 1]
    assert list((await child_counts(Sketch, _spots(root, deep[0]))).values()) == [1, 0]
    assert commands.sent == ["find", "find", "aggregate"]
