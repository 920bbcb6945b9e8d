"""Ornament images as clients see them, walked as a tree."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.access import own
from app.api.connections import LARGEST_TREE_PAGE, After, Connection, First, Listing, Page
from app.api.context import Info, viewer
from app.api.enums import ModelType, OrnamentKind, Source
from app.api.generations import Generation
from app.api.ids import global_id
from app.api.imported import ImportedFrom
from app.api.lineage import (
    DeletedVersion,
    MaxDepth,
    TreeFirst,
    check_depth,
    deleted_versions,
    missing_above,
    spot_of,
)
from app.api.node import Node
from app.api.ornament_pictures import OrnamentPictures
from app.api.promoted import Promotable
from app.api.selections import selects
from app.api.voted import Votable
from app.generations import model as stored_generations
from app.ornaments import model as stored
from app.ornaments.versions import write_version

TYPE_NAME = "OrnamentImage"

type Near = Mapping[PydanticObjectId, stored.OrnamentImage]

_NOTHING: Near = MappingProxyType({})
_LONG = "combinedPrompt"


@strawberry.type(description="One version of a product picture of jewellery.")
class OrnamentImage(OrnamentPictures, Promotable, Votable, Node):
    """Shown from its document; parents and children are read when asked for."""

    kind: OrnamentKind = strawberry.field(description="What was made of the photo.")
    source: Source = strawberry.field(description="Who really made it.")
    prompt: str | None = strawberry.field(description="What was asked for with this version; null if nothing was.")
    original_prompt: str = strawberry.field(description="The whole instruction of the root.")
    new_prompt: str | None = strawberry.field(description="The wish of this regeneration alone; null for a root.")
    combined_prompt: str = strawberry.field(description="The whole instruction of this version.")
    background_color: str | None = strawberry.field(
        description="The colour that was asked for as the root's background; null when it was none."
    )
    measurements: str | None = strawberry.field(description="As they were given with the root; null without any.")
    model_type: ModelType | None = strawberry.field(
        description="Who wears the jewellery; null unless it is a campaign."
    )
    ornament_names: list[str] = strawberry.field(
        description="Those of a campaign's ornaments, in the order of `ornamentPictures`; else empty."
    )
    applied: list[str] = strawberry.field(description="What basic local processing understood and did, in words.")
    note: str | None = strawberry.field(description="What this result is not; null when a model made it.")
    depth: int = strawberry.field(description="0 for a root, 1 for its children.")
    parent_id: strawberry.ID | None = strawberry.field(
        description="The `id` of the version this one was made from, also when that is deleted for ever; null for a "
        "root."
    )
    root_id: strawberry.ID = strawberry.field(
        description="The `id` of the first version, also when that is deleted for ever; a root's own."
    )
    trashed_at: datetime | None = strawberry.field(
        description="When it went to the trash, where it is out of the gallery and can't be regenerated; null when it "
        "is not in it."
    )
    name: str | None = strawberry.field(description="What its owner calls it; null without a name.")
    favourite: bool = strawberry.field(description="Whether it is one of its owner's favourites.")
    tags: list[str] = strawberry.field(description="Its owner's tags, in lower case.")
    created_at: datetime = strawberry.field(
        description="When it was asked for, or imported: lists are in this order, whenever it was done."
    )
    imported: ImportedFrom | None = strawberry.field(
        description="Where it comes from, if it was imported from an archive; null for what was made here."
    )
    near: strawberry.Private[Near] = _NOTHING

    @classmethod
    def of(cls, image: stored.OrnamentImage, near: Near = _NOTHING) -> Self:
        """The image of a document; `near` are others of its tree that were just read."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, image.identity)),
            kind=image.kind,
            source=image.source,
            prompt=image.prompt,
            original_prompt=image.original_prompt,
            new_prompt=image.new_prompt,
            combined_prompt=image.combined_prompt,
            background_color=image.background_color,
            measurements=image.measurements,
            model_type=image.model_type,
            ornament_names=[source.name for source in image.sources if source.name is not None],
            applied=list(image.applied),
            note=image.note,
            depth=image.lineage.depth,
            parent_id=strawberry.ID(global_id(TYPE_NAME, image.parent_id)) if image.parent_id else None,
            root_id=strawberry.ID(global_id(TYPE_NAME, image.lineage.root_id)),
            trashed_at=image.trashed_at,
            name=image.name,
            favourite=image.favourite,
            tags=list(image.tags),
            created_at=image.created_at,
            imported=ImportedFrom.of(image.imported) if image.imported else None,
            document=image,
            near=near,
        )

    @strawberry.field
    async def parent(self, info: Info) -> "OrnamentImage | None":
        """The version this one was made from; null for a root, and when it is deleted for ever: see `parentId`."""
        return await self._relative(info, self.document.parent_id) if self.document.parent_id else None

    @strawberry.field
    async def root(self, info: Info) -> "OrnamentImage | None":
        """The first version, a root's own; null when it is deleted for ever: see `rootId`."""
        if self.document.lineage.root_id == self.document.identity:
            return self
        return await self._relative(info, self.document.lineage.root_id)

    @strawberry.field
    async def promoted_version(self, info: Info) -> "OrnamentImage | None":
        """The chosen version of this image's tree, which may be in the trash; null when none was chosen, or is left."""
        promotion = await info.context.loaders.promotions.load(self.document.lineage.root_id)
        return await self._relative(info, promotion.version_id) if promotion else None

    @strawberry.field
    async def ancestors(self, info: Info) -> "list[OrnamentImage]":
        """All versions that this one descends from, the root first.

        Those deleted for ever are left out: `depth` shows the gaps.
        """
        above = self.document.lineage.ancestors
        known = {one: self.near[one] for one in above if one in self.near}
        unknown = [one for one in above if one not in known]
        read = await info.context.loaders.ornament_images.load_many(unknown) if unknown else []
        known |= {image.identity: image for image in read if image}
        return [OrnamentImage.of(known[one], known) for one in above if one in known]

    @strawberry.field
    async def children(self, info: Info, first: First = None, after: After = None) -> "OrnamentImageConnection":
        """The versions made from this one, oldest first."""
        page = Page(Listing("children", self.document.identity, newest_first=False), first, after)
        found = await info.context.loaders.ornament_trees.children.load((self.document.identity, page.stretch))
        return OrnamentImageConnection.of(_shown(found, self._nearer(found)), page)

    @strawberry.field
    async def siblings(self, info: Info, first: First = None, after: After = None) -> "OrnamentImageConnection":
        """The other versions made from the same one, oldest first; none for a root."""
        image = self.document
        page = Page(Listing("siblings", image.identity, newest_first=False), first, after)
        if image.parent_id is None:
            return OrnamentImageConnection.of([], page)
        with_itself = page.stretch._replace(limit=page.stretch.limit + 1)
        family = await info.context.loaders.ornament_trees.children.load((image.parent_id, with_itself))
        found = [one for one in family if one.identity != image.identity][: page.stretch.limit]
        return OrnamentImageConnection.of(_shown(found, self.near), page)

    @strawberry.field
    async def descendants(
        self, info: Info, first: TreeFirst = None, after: After = None, max_depth: MaxDepth = None
    ) -> "OrnamentTreeConnection":
        """All versions below this one, oldest first; `parentId` and `deleted` are what a tree is drawn by."""
        image = self.document
        listing = Listing("descendants", image.identity, newest_first=False)
        page = Page(listing, first, after, largest=LARGEST_TREE_PAGE)
        whole = selects(info, _LONG)
        found = await image.descendants(page.stretch, check_depth(max_depth), whole_prompts=whole)
        return self._tree_of(found, page, image.lineage.depth + 1)

    @strawberry.field
    async def tree(self, info: Info, first: TreeFirst = None, after: After = None) -> "OrnamentTreeConnection":
        """All versions of the same root, itself among them, oldest first; also when the root is deleted for ever."""
        root_id = self.document.lineage.root_id
        page = Page(Listing("tree", root_id, newest_first=False), first, after, largest=LARGEST_TREE_PAGE)
        found = await stored.OrnamentImage.tree(root_id, page.stretch, whole_prompts=selects(info, _LONG))
        return self._tree_of(found, page, 0)

    @strawberry.field
    async def child_count(self, info: Info) -> int:
        """How many versions were made from this one; those in the trash count, those deleted for ever don't."""
        return await info.context.loaders.ornament_trees.child_counts.load(spot_of(self.document))

    @strawberry.field
    async def descendant_count(self, info: Info) -> int:
        """How many versions there are below this one, counted in the same way."""
        return await info.context.loaders.ornament_trees.descendant_counts.load(spot_of(self.document))

    @strawberry.field
    async def generation(self, info: Info) -> Generation | None:
        """The work that made it; null for what was imported: see `imported`."""
        made_by = self.document.generation_id
        generation = await info.context.loaders.generations.load(made_by) if made_by else None
        return Generation.of(generation) if generation else None

    async def _relative(self, info: Info, identity: PydanticObjectId) -> "OrnamentImage | None":
        image = self.near.get(identity) or await info.context.loaders.ornament_images.load(identity)
        return OrnamentImage.of(image, self.near) if image else None

    def _nearer(self, images: Sequence[stored.OrnamentImage]) -> Near:
        return {**self.near, self.document.identity: self.document, **{image.identity: image for image in images}}

    def _tree_of(self, found: Sequence[stored.OrnamentImage], page: Page, depth: int) -> "OrnamentTreeConnection":
        near = self._nearer(found)
        tree = OrnamentTreeConnection.of(_shown(found, near), page)
        tree.missing = missing_above([edge.node.document for edge in tree.edges], near, depth)
        return tree


@strawberry.type(description="A page of ornament images.")
class OrnamentImageConnection(Connection[OrnamentImage]):
    """In the order that the field says."""


@strawberry.type(description="A page of a tree of ornament images.")
class OrnamentTreeConnection(Connection[OrnamentImage]):
    """Oldest first; with the gaps that were left above the images of the page."""

    missing: strawberry.Private[Collection[PydanticObjectId]] = ()

    @strawberry.field
    async def deleted(self) -> list[DeletedVersion]:
        """The versions deleted for ever that this page's images descend from within the tree, the upper ones first.

        With them each `parentId` leads somewhere. One that nothing descends from leaves no trace.
        """
        return await deleted_versions(self.missing, TYPE_NAME)


def _shown(found: Sequence[stored.OrnamentImage], near: Near) -> list[tuple[PydanticObjectId, OrnamentImage]]:
    return [(image.identity, OrnamentImage.of(image, near)) for image in found]


async def _image(info: Info, identity: PydanticObjectId) -> OrnamentImage | None:
    image = await info.context.loaders.ornament_images.load(identity)
    return OrnamentImage.of(image) if image else None


async def find(info: Info, identity: PydanticObjectId) -> OrnamentImage | None:
    """The viewer's own image."""
    who = viewer(info)
    image = own(who.user_id, await info.context.loaders.ornament_images.load(identity))
    return OrnamentImage.of(image) if image else None


async def result(info: Info, generation: stored_generations.Generation) -> OrnamentImage | None:
    """The image that a succeeded generation made; its last write is done here if a crash left it undone."""
    image = await _image(info, generation.result_id)
    if image is None and not generation.settled:
        written = await write_version(generation)
        return OrnamentImage.of(written) if written else None
    return image


async def imported(info: Info, generation: stored_generations.Generation) -> OrnamentImage | None:
    """The root that an import made; what a crash left unwritten is written here."""
    root_id = generation.steps["ids"]["shownId"]
    if not generation.settled and await _image(info, root_id) is None:
        await info.context.services.import_job.write(generation)
    return await _image(info, root_id)
