"""Versions of images walked as a tree: the resolvers that the types of all products share.

Each type declares its own fields with them, so that every product's children are of its own type.
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, Self

import strawberry
from beanie import PydanticObjectId
from strawberry.dataloader import DataLoader

from app.api.connections import LARGEST_TREE_PAGE, After, Connection, First, Listing, Page
from app.api.context import Info
from app.api.lineage import (
    DeletedVersion,
    MaxDepth,
    TreeFirst,
    TreeLoaders,
    check_depth,
    deleted_versions,
    missing_above,
    spot_of,
)
from app.api.pictures import Picture
from app.api.selections import selects
from app.lineage.version import Version

type Near[V: Version] = Mapping[PydanticObjectId, V]
"""Others of a tree that were just read."""

NOTHING: Mapping[PydanticObjectId, Any] = MappingProxyType({})
PARENT_ID = "The `id` of the version this one was made from, also when that is deleted for ever; null for a root."
ROOT_ID = "The `id` of the first version, also when that is deleted for ever; a root's own."
_LONG = "combinedPrompt"


class Kin[V: Version](NamedTuple):
    """The batched reads of a product's versions."""

    by_id: DataLoader[PydanticObjectId, V | None]
    trees: TreeLoaders[V]


class Walked[V: Version](Protocol):
    """A version as clients see it; `near` are others of its tree that were just read."""

    document: V
    near: Near[V]

    @classmethod
    def of(cls, version: V, near: Near[V]) -> Self:
        """The version of a document."""
        ...

    @staticmethod
    def kin(info: Info) -> Kin[V]:
        """Where its relatives are read."""
        ...

    @staticmethod
    def pages() -> "Pages":
        """The connections of its type."""
        ...


@strawberry.type
class TreeConnection[T](Connection[T]):
    """A page of a tree: oldest first; with the gaps that were left above the images of the page."""

    missing: strawberry.Private[Collection[PydanticObjectId]] = ()
    type_name: strawberry.Private[str] = ""

    @strawberry.field
    async def deleted(self) -> list[DeletedVersion]:
        """The versions deleted for ever that this page's images descend from within the tree, the upper ones first.

        With them each `parentId` leads somewhere. One that nothing descends from leaves no trace.
        """
        return await deleted_versions(self.missing, self.type_name)


class Pages(NamedTuple):
    """The connections of a product's versions, and its type's name."""

    type_name: str
    plain: type[Connection[Any]]
    tree: type[TreeConnection[Any]]


async def picture(image: strawberry.Parent[Walked[Any]], info: Info) -> Picture | None:
    """What it shows; null when the file is gone."""
    found = await info.context.loaders.pictures.load(image.document.picture_id)
    return Picture.of(found) if found else None


async def parent(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """The version this one was made from; null for a root, and when it is deleted for ever: see `parentId`."""
    return await relative(image, info, image.document.parent_id) if image.document.parent_id else None


async def root(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """The first version, a root's own; null when it is deleted for ever: see `rootId`."""
    if image.document.lineage.root_id == image.document.identity:
        return image
    return await relative(image, info, image.document.lineage.root_id)


async def ancestors(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """All versions that this one descends from, the root first.

    Those deleted for ever are left out: `depth` shows the gaps.
    """
    above = image.document.lineage.ancestors
    known = {one: image.near[one] for one in above if one in image.near}
    unknown = [one for one in above if one not in known]
    read = await image.kin(info).by_id.load_many(unknown) if unknown else []
    known |= {version.identity: version for version in read if version}
    return [image.of(known[one], known) for one in above if one in known]


async def children(image: strawberry.Parent[Walked[Any]], info: Info, first: First = None, after: After = None) -> Any:
    """The versions made from this one, oldest first."""
    page = Page(Listing("children", image.document.identity, newest_first=False), first, after)
    found = await image.kin(info).trees.children.load((image.document.identity, page.stretch))
    return image.pages().plain.of(_shown(image, found, _nearer(image, found)), page)


async def siblings(image: strawberry.Parent[Walked[Any]], info: Info, first: First = None, after: After = None) -> Any:
    """The other versions made from the same one, oldest first; none for a root."""
    version = image.document
    page = Page(Listing("siblings", version.identity, newest_first=False), first, after)
    if version.parent_id is None:
        return image.pages().plain.of([], page)
    with_itself = page.stretch._replace(limit=page.stretch.limit + 1)
    family = await image.kin(info).trees.children.load((version.parent_id, with_itself))
    found = [one for one in family if one.identity != version.identity][: page.stretch.limit]
    return image.pages().plain.of(_shown(image, found, image.near), page)


async def descendants(
    image: strawberry.Parent[Walked[Any]],
    info: Info,
    first: TreeFirst = None,
    after: After = None,
    max_depth: MaxDepth = None,
) -> Any:
    """All versions below this one, oldest first; `parentId` and `deleted` are what a tree is drawn by."""
    version = image.document
    listing = Listing("descendants", version.identity, newest_first=False)
    page = Page(listing, first, after, largest=LARGEST_TREE_PAGE)
    whole = selects(info, _LONG)
    found = await version.descendants(page.stretch, check_depth(max_depth), whole_prompts=whole)
    return _tree_of(image, found, page, version.lineage.depth + 1)


async def tree(image: strawberry.Parent[Walked[Any]], info: Info, first: TreeFirst = None, after: After = None) -> Any:
    """All versions of the same root, itself among them, oldest first; also when the root is deleted for ever."""
    version: Version = image.document
    root_id = version.lineage.root_id
    page = Page(Listing("tree", root_id, newest_first=False), first, after, largest=LARGEST_TREE_PAGE)
    found = await type(version).tree(root_id, page.stretch, whole_prompts=selects(info, _LONG))
    return _tree_of(image, found, page, 0)


async def child_count(image: strawberry.Parent[Walked[Any]], info: Info) -> int:
    """How many versions were made from this one; those in the trash count, those deleted for ever don't."""
    return await image.kin(info).trees.child_counts.load(spot_of(image.document))


async def descendant_count(image: strawberry.Parent[Walked[Any]], info: Info) -> int:
    """How many versions there are below this one, counted in the same way."""
    return await image.kin(info).trees.descendant_counts.load(spot_of(image.document))


async def relative(image: Walked[Any], info: Info, identity: PydanticObjectId) -> Any:
    """Another version of its tree; null when that is gone."""
    found = image.near.get(identity) or await image.kin(info).by_id.load(identity)
    return image.of(found, image.near) if found else None


def _nearer(image: Walked[Any], found: Sequence[Version]) -> Near[Any]:
    return {**image.near, image.document.identity: image.document, **{one.identity: one for one in found}}


def _shown(image: Walked[Any], found: Sequence[Version], near: Near[Any]) -> list[tuple[PydanticObjectId, Any]]:
    return [(version.identity, image.of(version, near)) for version in found]


def _tree_of(image: Walked[Any], found: Sequence[Version], page: Page, depth: int) -> TreeConnection[Any]:
    near, pages = _nearer(image, found), image.pages()
    shown = pages.tree.of(_shown(image, found, near), page)
    shown.missing = missing_above([edge.node.document for edge in shown.edges], near, depth)
    shown.type_name = pages.type_name
    return shown
