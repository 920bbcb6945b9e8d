"""What models that look at pictures have said: each is asked once about the same bytes, for the same owner.

A description is known by the picture's content and not by the picture: it stays when the picture is swept or deleted,
so that the same bytes, uploaded or chosen anew, cost no second call. It is a paragraph of text that is shown to nobody
by itself, and goes with its owner's account.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.chats.wording import INSTRUCTIONS_VERSION
from app.database.document import Instant, StoredDocument, utc_now
from app.making.chosen import Chosen
from app.providers.ports.model import Source
from app.providers.ports.vision import Description


class PictureDescription(StoredDocument):
    """`key` is owner, content, provider, model and the version of the instructions: another of any is another one."""

    owner_id: PydanticObjectId
    key: str
    text: str
    source: Source
    model: str
    made_at: Instant

    class Settings:
        """Where they are kept, and what they are found by."""

        name = "picture_descriptions"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("key", ASCENDING)], name="key", unique=True),
            IndexModel([("ownerId", ASCENDING), ("_id", ASCENDING)], name="owner"),
        ]

    @classmethod
    async def known(cls, owner_id: PydanticObjectId, by: Chosen, sha256s: Sequence[str]) -> dict[str, Self]:
        """Those of contents (400 at most) that this model has described for that owner, by their hash; one read."""
        sha256_of = {key_of(owner_id, by, one): one for one in sha256s}
        rows = cls.rows().find({"key": {"$in": list(sha256_of)}})
        found: Iterable[Self] = [cls.model_validate(row) async for row in rows]
        return {sha256_of[one.key]: one for one in found}

    @classmethod
    async def keep(cls, owner_id: PydanticObjectId, by: Chosen, sha256: str, said: Description) -> None:
        """Keep what was said, unless somebody has already; a stand-in's words are not kept: they would hide a model's.

        Safe to repeat and to race.
        """
        if said.source is Source.MOCK:
            return
        kept = cls(
            owner_id=owner_id,
            key=key_of(owner_id, by, sha256),
            text=said.text,
            source=said.source,
            model=said.model,
            made_at=utc_now(),
        )
        try:
            await kept.insert()
        except DuplicateKeyError:
            return

    @classmethod
    async def forget(cls, owner_id: PydanticObjectId, by: Chosen, sha256: str) -> None:
        """Have that model asked again about that content; nothing happens where it has said nothing."""
        await cls.rows().delete_one({"key": key_of(owner_id, by, sha256)})


def key_of(owner_id: PydanticObjectId, by: Chosen, sha256: str) -> str:
    """What a description is known by."""
    return f"{owner_id}/{sha256}/{by.provider}/{by.model}/{INSTRUCTIONS_VERSION}"
