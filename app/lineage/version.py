"""What every image that can be regenerated has in common, whatever its product, and how trees of them are read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self, override

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError

from app.database.document import Instant, only
from app.database.keyset import Stretch
from app.lineage.discardable import Discardable, chunks
from app.lineage.imported import Imported
from app.lineage.place import Lineage
from app.providers.ports.model import Source

_IN_ONE_QUERY = 400
_LINKS_AT_ONCE = 100_000
_WITHOUT_PROMPTS = {"prompts": 0, "combinedPrompt": 0}
_DUPLICATE_KEY = 11000


def version_indexes() -> list[IndexModel]:
    """Those that the queries of `Version` need, for the settings of a product's document."""
    return [
        IndexModel([("ownerId", DESCENDING), ("_id", DESCENDING)], name="owner_newest"),
        IndexModel([("parentId", ASCENDING), ("_id", ASCENDING)], name="children"),
        IndexModel([("lineage.rootId", ASCENDING), ("_id", ASCENDING)], name="tree"),
        IndexModel([("pictureId", ASCENDING)], name="picture"),
    ]


class Link(NamedTuple):
    """What trees are counted by."""

    version_id: PydanticObjectId
    parent_id: PydanticObjectId | None
    depth: int


async def links_in(rows: AsyncCollection[dict[str, Any]], root_ids: Iterable[PydanticObjectId]) -> list[Link]:
    """Whatever that collection has of the trees of those roots."""
    found = list[Link]()
    for some in chunks(root_ids):
        of_roots = rows.find({"lineage.rootId": {"$in": some}}, {"parentId": 1, "lineage.depth": 1})
        of_roots = of_roots.batch_size(_LINKS_AT_ONCE)
        found += [Link(row["_id"], row["parentId"], row["lineage"]["depth"]) async for row in of_roots]
    return found


class Version(Discardable):
    """One version of an image: whose it is, what it shows, what it was asked for, what it was made from.

    `prompt` is what the user said for this version, `prompts` the instruction and each wish down to it, oldest
    first, `combined_prompt` the same in one text; `original_prompt` is the root's, `new_prompt` the wish alone, null
    for a root. `prompts` and `combined_prompt` are the longest of it by far, and empty in what was read as a part of
    a tree, unless they were wanted. `parent_id` stays when the parent is deleted for ever. What was imported was made
    by no generation of this server: `generation_id` is null and `imported` says where it is from; of all others it is
    the other way round.
    """

    picture_id: PydanticObjectId
    generation_id: PydanticObjectId | None
    lineage: Lineage
    parent_id: PydanticObjectId | None
    prompt: str | None
    original_prompt: str
    new_prompt: str | None
    prompts: tuple[str, ...] = ()
    combined_prompt: str = ""
    source: Source
    created_at: Instant
    imported: Imported | None = None

    @property
    def picture_ids(self) -> tuple[PydanticObjectId, ...]:
        """All pictures that it refers to."""
        return (self.picture_id,)

    @property
    def is_one_of_several(self) -> bool:
        """Whether its generation has made others too, and stays when this one goes."""
        return False

    async def put(self) -> bool:
        """Store it under its pre-allocated id; false when it is there already."""
        try:
            await self.insert()
        except DuplicateKeyError:
            return False
        return True

    @classmethod
    async def put_all(cls, versions: Sequence[Self]) -> None:
        """Store those (1 to 100) that are not there yet; safe to repeat and to race."""
        try:
            await cls.insert_many(versions, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != _DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise

    @classmethod
    async def existing(cls, ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
        """Those of `ids` that exist."""
        found = set[PydanticObjectId]()
        for some in chunks(ids):
            rows = cls.rows().find({"_id": {"$in": some}}, {"_id": 1}).batch_size(_IN_ONE_QUERY)
            found |= {row["_id"] async for row in rows}
        return found

    @classmethod
    async def children(
        cls, parent_ids: Sequence[PydanticObjectId], stretch: Stretch
    ) -> dict[PydanticObjectId, list[Self]]:
        """That stretch of the versions made from each of `parent_ids` (400 at most); parents without any are left out.

        One command, however many parents; they are to be read only.
        """
        where = {"parentId": {"$in": list(parent_ids)}} | stretch.bounds
        if len(parent_ids) == 1:  # the database stops at the limit and looks no further
            where["parentId"] = parent_ids[0]
            rows = cls.rows().find(where).sort("_id", stretch.direction)
            found = cls.of_rows(await rows.limit(stretch.limit).batch_size(stretch.limit).to_list())
            return {parent_ids[0]: found} if found else {}
        first = {"$firstN": {"input": "$$ROOT", "n": stretch.limit}}
        steps = [
            {"$match": where},
            {"$sort": {"parentId": ASCENDING, "_id": stretch.direction}},
            {"$group": {"_id": "$parentId", "children": first}},
        ]
        groups = await cls.rows().aggregate(steps, batchSize=_IN_ONE_QUERY)
        return {group["_id"]: cls.of_rows(group["children"]) for group in await groups.to_list()}

    @classmethod
    async def tree(cls, root_id: PydanticObjectId, stretch: Stretch, *, whole_prompts: bool = False) -> list[Self]:
        """That stretch of all versions of a root, itself included; without their long prompts unless those are wanted.

        One command; with them, one more for each 16 MB of them.
        """
        return await cls._in_tree({"lineage.rootId": root_id}, stretch, whole_prompts=whole_prompts)

    async def descendants(
        self, stretch: Stretch, max_depth: int | None = None, *, whole_prompts: bool = False
    ) -> list[Self]:
        """That stretch of the versions below this one; null: however deep, 1: its children alone. Else as `tree`."""
        where = _below(self.lineage, self.identity, max_depth)
        return await self._in_tree(where, stretch, whole_prompts=whole_prompts)

    @classmethod
    async def rows_of_tree(
        cls, root_id: PydanticObjectId, stretch: Stretch, keys: Collection[str] | None = None
    ) -> list[Self]:
        """As `tree`, to be read only; `keys` are what is read of each, null for all."""
        return await cls._rows({"lineage.rootId": root_id}, stretch, keys)

    @classmethod
    async def rows_below(
        cls, above: Self, stretch: Stretch, max_depth: int | None = None, keys: Collection[str] | None = None
    ) -> list[Self]:
        """As `descendants`, to be read only; `keys` are what is read of each, null for all."""
        return await cls._rows(_below(above.lineage, above.identity, max_depth), stretch, keys)

    @classmethod
    @override
    async def has_descendants(cls, root_id: PydanticObjectId, identity: PydanticObjectId) -> bool:
        """Whether any version is left below that one."""
        where = {"lineage.rootId": root_id, "lineage.ancestors": identity}
        return await cls.rows().find_one(where, {"_id": 1}) is not None

    @classmethod
    async def links(cls, root_ids: Iterable[PydanticObjectId]) -> list[Link]:
        """Every version of those roots' trees."""
        return await links_in(cls.rows(), root_ids)

    @classmethod
    async def number_of_children(cls, parent_ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, int]:
        """How many versions were made from each of `parent_ids` (400 at most); those without any are left out."""
        steps: list[Mapping[str, Any]] = [
            {"$match": {"parentId": {"$in": list(parent_ids)}}},
            {"$group": {"_id": "$parentId", "number": {"$sum": 1}}},
        ]
        groups = await cls.rows().aggregate(steps, batchSize=_IN_ONE_QUERY)
        return {group["_id"]: group["number"] for group in await groups.to_list()}

    @classmethod
    async def _in_tree(cls, where: dict[str, Any], stretch: Stretch, *, whole_prompts: bool) -> list[Self]:
        shown = None if whole_prompts else _WITHOUT_PROMPTS
        rows = cls.rows().find(where | stretch.bounds, shown).sort("_id", stretch.direction)
        return await cls._read(rows.limit(stretch.limit).batch_size(stretch.limit))

    @classmethod
    async def _rows(cls, where: dict[str, Any], stretch: Stretch, keys: Collection[str] | None) -> list[Self]:
        rows = cls.rows().find(where | stretch.bounds, only(keys)).sort("_id", stretch.direction)
        return cls.of_rows(await rows.limit(stretch.limit).batch_size(stretch.limit).to_list())


def _below(place: Lineage, version_id: PydanticObjectId, max_depth: int | None) -> dict[str, Any]:
    where: dict[str, Any] = {"lineage.rootId": place.root_id, "lineage.ancestors": version_id}
    return where if max_depth is None else where | {"lineage.depth": {"$lte": place.depth + max_depth}}
