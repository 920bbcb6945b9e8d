"""Versions are deleted for ever.

The tombstone comes first: it says that the document shall go, and stays until nothing descends from it. Whoever reads
or writes meanwhile may find both, or come too late: each step is safe to repeat and to race, and what a crash cuts off
is finished by `clearing`.
"""

from collections.abc import Sequence

from app.generations.releasing import drop, release, settle_those
from app.lineage.promotion import Promotion
from app.lineage.tombstone import Tombstone
from app.lineage.version import Version
from app.lineage.votes import Vote
from app.pictures.model import Picture


async def delete_forever(versions: Sequence[Version]) -> None:
    """Delete them (1 to 100 of one product): tombstones remain, the pictures are left to the sweep of pictures.

    Those above them are touched: they may have been kept for these alone. It has to be done within the grace period,
    or a chore does it.
    """
    ids = [version.identity for version in versions]
    made = {version.generation_id: version for version in versions if version.generation_id is not None}
    generation_ids = [one for one, version in made.items() if not version.is_one_of_several]
    await Tombstone.keep([Tombstone.for_version(version) for version in versions])
    await settle_those(generation_ids)
    pictures = {picture_id for version in versions for picture_id in version.picture_ids}
    await Picture.let_go(pictures)
    await release(generation_ids, ids, Picture.let_go)
    await drop([one for one in made if one not in generation_ids], pictures)
    await Tombstone.touch(list({one for version in versions for one in version.lineage.ancestors}))
    await Promotion.withdraw(ids)
    await Vote.withdraw(ids)
    await type(versions[0]).remove(ids)
