"""Keeping, using and sweeping the same bytes at once, in any order of their steps."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from beanie import PydanticObjectId
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.model import Picture, PictureState
from tests.pictures.conductor import Conductor
from tests.pictures.conftest import GatedStore, age, files, nothing

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()
_OWNER = PydanticObjectId()


async def _consistent(disk: DiskStore) -> None:
    """Every picture that may be used has its bytes, every file has a document."""
    found = await Picture.find_all().to_list()
    stored = {name.removeprefix("pictures/") for name in files(disk)}
    assert {picture.key for picture in found if picture.state is not PictureState.DELETING} <= stored
    assert stored <= {picture.key for picture in found}
    assert len({picture.content for picture in found if picture.content}) <= 1


@pytest.mark.timeout(600)  # 300 examples with FULL=1, a tenth of a second each on a machine that does nothing else
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, 3), max_size=20), grace_s=st.sampled_from([0, 60]), is_there=st.booleans())
@example(order=[2, 2, 2, 0, 0, 0, 0], grace_s=60, is_there=True)
@example(order=[2, 2, 2, 2, 2, 2, 2], grace_s=60, is_there=True)
async def test_no_order_loses_bytes_or_leaves_any(
    disk: DiskStore,
    order: list[int],
    grace_s: int,
    is_there: bool,  # noqa: FBT001 - hypothesis names it
) -> None:
    """With no grace at all a sweep is as rude as one may be; with some, what was kept has to stay."""
    conductor = Conductor()
    pictures = Pictures(GatedStore(disk, conductor.gate))
    await Picture.rows().delete_many({})
    if is_there:
        await Pictures(disk).keep(_OWNER, _CAR)
        await age()

    async def looking(_: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        await conductor.gate("looking")
        return set()

    keepers = [pictures.keep(_OWNER, _CAR) for _ in range(2)]
    sweepers = [pictures.sweep(looking, grace_s) for _ in range(2)]
    results = await conductor.play([*keepers, *sweepers], order)
    await _consistent(disk)
    if grace_s:
        kept = {one.identity for one in results if isinstance(one, Picture)}
        assert len(kept) == 1
        assert set(await Picture.by_ids(list(kept))) == kept
    await age()
    await Pictures(disk).sweep(nothing, 60)
    assert (await Picture.count(), files(disk)) == (0, set())
