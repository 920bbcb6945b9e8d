"""Versions of images walked as a tree: the resolvers that the types of all products share.

Each type declares its own fields with them, so that every product's children are of its own type.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol, Self

import strawberry
from beanie import PydanticObjectId
from strawberry.dataloader import DataLoader

from app.api.at_hand import AtHand, Keys, Known, beside
from app.api.connections import LARGEST_TREE_PAGE, After, Connection, First, Listing, Page
from app.api.context import Context, Info
from app.api.generations import generation_at_hand, generation_of
from app.api.ids import global_id
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
from app.api.pictures import picture_at_hand, picture_of
from app.api.selections import Selected, selected
from app.lineage.version import Version

PARENT_ID = "The `id` of the version this one was made from, also when that is deleted for ever; null for a root."
_OF_TREE = frozenset({"ancestors"})
ROOT_ID = "The `id` of the first version, also when that is deleted for ever; a root's own."


class Kin[V: Version](NamedTuple):
    """A product's versions, what of them is read for which field, and their batched reads."""

    product: type[V]
    keys: Keys
    by_id: DataLoader[PydanticObjectId, V | None]
    trees: TreeLoaders[V]


class Walked[V: Version](Protocol):
    """A version as clients see it; `at_hand` is what was read with it."""

    document: V
    at_hand: AtHand[V]

    @classmethod
    def of(cls, version: V, at_hand: AtHand[V]) -> Self:
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


def ready_picture(image: Walked[Any], _: Context) -> Any:
    """As `picture`, where it is at hand."""
    return picture_at_hand(image.document.picture_id, image.at_hand.pictures)


def picture(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """What it shows; null when the file is gone."""
    return picture_of(info, image.document.picture_id, image.at_hand.pictures)


def generation(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """The work that made it; null for what was imported."""
    return generation_of(info, image.document.generation_id, image.at_hand.generations)


def ready_generation(image: Walked[Any], _: Context) -> Any:
    """As `generation`, where it is at hand."""
    return generation_at_hand(image.document.generation_id, image.at_hand.generations)


def parent(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """The version this one was made from; null for a root, and when it is deleted for ever: see `parentId`."""
    return relative(image, info, image.document.parent_id) if image.document.parent_id else None


def ready_parent(image: Walked[Any], _: Context) -> Any:
    """As `parent`, where it is at hand."""
    above = image.document.parent_id
    found = image.at_hand.versions[above] if above else None
    return image.of(found, image.at_hand) if found else None


def root(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """The first version, a root's own; null when it is deleted for ever: see `rootId`."""
    root_id = image.document.lineage.root_id
    return image if root_id == image.document.identity else relative(image, info, root_id)


async def ancestors(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """All versions that this one descends from, the root first.

    Those deleted for ever are left out: `depth` shows the gaps.
    """
    above, versions = image.document.lineage.ancestors, image.at_hand.versions
    unknown = [one for one in above if one not in versions]
    read = await image.kin(info).by_id.load_many(unknown) if unknown else []
    known = {one: versions.get(one) for one in above} | dict(zip(unknown, read, strict=True))
    at_hand = AtHand(versions=known)
    return [image.of(version, at_hand) for version in known.values() if version]


def parent_id(image: Walked[Any]) -> strawberry.ID | None:
    """As `PARENT_ID` says."""
    above = image.document.parent_id
    return strawberry.ID(global_id(image.pages().type_name, above)) if above else None


def root_id(image: Walked[Any]) -> strawberry.ID:
    """As `ROOT_ID` says."""
    return strawberry.ID(global_id(image.pages().type_name, image.document.lineage.root_id))


async def children(image: strawberry.Parent[Walked[Any]], info: Info, first: First = None, after: After = None) -> Any:
    """The versions made from this one, oldest first."""
    page = Page(Listing("children", image.document.identity, newest_first=False), first, after)
    found = await image.kin(info).trees.children.load((image.document.identity, page.stretch))
    return image.pages().plain.of(_shown(image, found, AtHand(versions=_nearer(image, found))), page)


async def siblings(image: strawberry.Parent[Walked[Any]], info: Info, first: First = None, after: After = None) -> Any:
    """The other versions made from the same one, oldest first; none for a root."""
    version = image.document
    page = Page(Listing("siblings", version.identity, newest_first=False), first, after)
    if version.parent_id is None:
        return image.pages().plain.of([], page)
    with_itself = page.stretch._replace(limit=page.stretch.limit + 1)
    family = await image.kin(info).trees.children.load((version.parent_id, with_itself))
    found = [one for one in family if one.identity != version.identity][: page.stretch.limit]
    return image.pages().plain.of(_shown(image, found, image.at_hand), page)


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
    kin, asked = image.kin(info), selected(info)
    keys = kin.keys.asked(_needed(asked))
    found = await kin.product.rows_below(version, page.stretch, check_depth(max_depth), keys)
    return await _tree_of(image, kin, found, page, asked, version.lineage.depth + 1)


async def tree(image: strawberry.Parent[Walked[Any]], info: Info, first: TreeFirst = None, after: After = None) -> Any:
    """All versions of the same root, itself among them, oldest first; also when the root is deleted for ever."""
    version: Version = image.document
    root_id = version.lineage.root_id
    page = Page(Listing("tree", root_id, newest_first=False), first, after, largest=LARGEST_TREE_PAGE)
    kin, asked = image.kin(info), selected(info)
    found = await kin.product.rows_of_tree(root_id, page.stretch, kin.keys.asked(_needed(asked)))
    return await _tree_of(image, kin, found, page, asked, 0)


def child_count(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """How many versions were made from this one; those in the trash count, those deleted for ever don't."""
    known = image.at_hand.child_counts.get(image.document.identity)
    return image.kin(info).trees.child_counts.load(spot_of(image.document)) if known is None else known


def ready_child_count(image: Walked[Any], _: Context) -> int:
    """As `child_count`, where it is at hand."""
    return image.at_hand.child_counts[image.document.identity]


def descendant_count(image: strawberry.Parent[Walked[Any]], info: Info) -> Any:
    """How many versions there are below this one, counted in the same way."""
    return image.kin(info).trees.descendant_counts.load(spot_of(image.document))


def relative(image: Walked[Any], info: Info, identity: PydanticObjectId) -> Any:
    """Another version of its tree, or what to await for it; null when that is gone."""
    if identity not in image.at_hand.versions:
        return _relative(image, info, identity)
    found = image.at_hand.versions[identity]
    return image.of(found, image.at_hand) if found else None


async def _relative(image: Walked[Any], info: Info, identity: PydanticObjectId) -> Any:
    found = await image.kin(info).by_id.load(identity)
    return image.of(found, image.at_hand) if found else None


def _nearer(image: Walked[Any], found: Sequence[Version]) -> Known[Any]:
    return {**image.at_hand.versions, image.document.identity: image.document, **{one.identity: one for one in found}}


def _shown(image: Walked[Any], found: Sequence[Version], at_hand: AtHand[Any]) -> list[tuple[PydanticObjectId, Any]]:
    return [(version.identity, image.of(version, at_hand)) for version in found]


def _needed(asked: Selected) -> frozenset[str]:
    """What is asked of any version below a tree: each of them may be reached from another."""
    return asked.names | _OF_TREE if "deleted" in asked else asked.names


async def _tree_of(
    image: Walked[Any], kin: Kin[Any], found: Sequence[Version], page: Page, asked: Selected, depth: int
) -> TreeConnection[Any]:
    near = {**image.at_hand.versions, image.document.identity: image.document}
    at_hand = await beside(kin.product, found, asked.nodes, kin.keys, near)
    shown, pages = page.held(found), image.pages()
    tree = pages.tree.of(_shown(image, found, at_hand), page)
    tree.missing = missing_above(shown, at_hand.versions, depth) if "deleted" in asked else ()
    tree.type_name = pages.type_name
    return tree
