"""Dreams are deleted for ever, with all that was made of them.

As for versions, the tombstone comes first: it says that the dream shall go. What a crash cuts off, and what work that
is under way still holds, is let go of by `lineage.clearing`.
"""

from collections.abc import Sequence

from beanie import PydanticObjectId

from app.dreams.model import Dream
from app.dreams.versions import DreamVersion
from app.generations.releasing import redact_work_on, release
from app.lineage.discardable import chunks
from app.lineage.tombstone import Tombstone
from app.pictures.model import Picture


async def delete_forever(dreams: Sequence[Dream]) -> None:
    """Delete them (1 to 100) and their versions; the pictures are left to the sweep of pictures."""
    ids = [dream.identity for dream in dreams]
    await Tombstone.keep([Tombstone.for_single(dream) for dream in dreams])
    shown = {dream.illustration.picture_id for dream in dreams if dream.illustration}
    shown |= {one.picture_id for dream in dreams if dream.aside and (one := dream.aside.illustration)}
    for some in chunks(shown | await DreamVersion.pictures_of(ids)):
        await Picture.let_go(some)
    await release([], ids, Picture.let_go)
    await redact_work_on(ids)
    await DreamVersion.remove_of(ids)
    await Dream.remove(ids)


async def finish(dream_id: PydanticObjectId) -> None:
    """Blank the words in what was being made of it while it was deleted."""
    await redact_work_on([dream_id])
