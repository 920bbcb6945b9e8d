import asyncio

import pytest

from app.errors import AppError, ErrorCode
from app.lineage.clearing import clear
from app.lineage.deletion import delete_forever
from app.lineage.promotion import Promotion, promote
from app.lineage.tombstone import Tombstone
from app.lineage.trash import Trash
from tests.lineage.conftest import Sketch, chain, ids, sketch, stored

pytestmark = pytest.mark.usefixtures("commands")
_LONG_AGO_S = -3600.0


async def _chosen(root: Sketch) -> Promotion | None:
    return (await Promotion.of_roots([root.identity])).get(root.identity)


async def test_tree_has_one_chosen_version_the_latest() -> None:
    root, other = sketch(), sketch()
    deep = chain(root, 3)
    await stored([root, *deep, other])
    for version in (deep[2], root, deep[0], other):
        await promote(version, "This image", "input", "imageId")
    chosen = await Promotion.of_roots(ids([root, other, sketch()]))
    assert {one: promotion.version_id for one, promotion in chosen.items()} == {
        root.identity: deep[0].identity,
        other.identity: other.identity,
    }
    assert await Promotion.count() == 2


async def test_choosing_again_changes_nothing() -> None:
    root = sketch()
    await stored([root])
    await promote(root, "This image")
    first = await _chosen(root)
    await promote(root, "This image")
    assert await _chosen(root) == first


async def test_many_choices_at_once_leave_one() -> None:
    root = sketch()
    wide = [sketch(root) for _ in range(8)]
    await stored([root, *wide])
    await asyncio.gather(*(promote(version, "This image") for version in wide))
    chosen = await _chosen(root)
    assert chosen is not None
    assert chosen.version_id in ids(wide)
    assert await Promotion.count() == 1


async def test_version_that_is_deleted_for_ever_is_nobodys_choice_any_more() -> None:
    root = sketch()
    deep = chain(root, 2)
    await stored([root, *deep])
    await promote(deep[0], "This image")
    await delete_forever([deep[1]])
    assert await _chosen(root) is not None
    await delete_forever([deep[0]])
    assert await _chosen(root) is None


async def test_choice_of_a_tree_outlives_its_root() -> None:
    root = sketch()
    deep = chain(root, 1)
    await stored([root, *deep])
    await promote(deep[0], "This image")
    await delete_forever([root])
    chosen = await _chosen(root)
    assert chosen is not None
    assert chosen.version_id == deep[0].identity


async def test_choice_that_comes_after_its_deletion_is_refused_and_not_kept() -> None:
    root = sketch()
    await stored([root])
    await delete_forever([root])
    with pytest.raises(AppError) as refusal:
        await promote(root, "This image", "input", "imageId")
    assert (refusal.value.code, refusal.value.path) == (ErrorCode.NOT_FOUND, ("input", "imageId"))
    assert await _chosen(root) is None


async def test_deletion_that_a_crash_cut_off_withdraws_the_choice_when_it_is_finished() -> None:
    root = sketch()
    await stored([root])
    await promote(root, "This image")
    await Tombstone.keep([Tombstone.for_version(root)])
    await clear({"sketches": Trash(Sketch, delete_forever)}, _LONG_AGO_S)
    assert await _chosen(root) is None
    assert await Sketch.count() == 0
