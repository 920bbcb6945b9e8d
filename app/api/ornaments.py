"""Ornament images as clients see them, walked as a tree."""

from datetime import datetime
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.access import own
from app.api import walking
from app.api.connections import Connection
from app.api.context import Info, viewer
from app.api.enums import ModelType, OrnamentKind, Source
from app.api.generations import Generation
from app.api.ids import ORNAMENT_IMAGE, global_id
from app.api.imported import ImportedFrom
from app.api.node import Node
from app.api.ornament_pictures import OrnamentPictures
from app.api.promoted import Promotable, promoted_version
from app.api.voted import Votable
from app.api.walking import NOTHING, PARENT_ID, ROOT_ID, Kin, Near, Pages, TreeConnection
from app.generations import model as stored_generations
from app.ornaments import model as stored
from app.ornaments.versions import write_version

TYPE_NAME = ORNAMENT_IMAGE


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
    parent_id: strawberry.ID | None = strawberry.field(description=PARENT_ID)
    root_id: strawberry.ID = strawberry.field(description=ROOT_ID)
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
    near: strawberry.Private[Near[stored.OrnamentImage]] = NOTHING

    @classmethod
    def of(cls, image: stored.OrnamentImage, near: Near[stored.OrnamentImage] = NOTHING) -> Self:
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

    parent: "OrnamentImage | None" = strawberry.field(resolver=walking.parent)
    root: "OrnamentImage | None" = strawberry.field(resolver=walking.root)
    promoted_version: "OrnamentImage | None" = strawberry.field(resolver=promoted_version)
    ancestors: "list[OrnamentImage]" = strawberry.field(resolver=walking.ancestors)
    children: "OrnamentImageConnection" = strawberry.field(resolver=walking.children)
    siblings: "OrnamentImageConnection" = strawberry.field(resolver=walking.siblings)
    descendants: "OrnamentTreeConnection" = strawberry.field(resolver=walking.descendants)
    tree: "OrnamentTreeConnection" = strawberry.field(resolver=walking.tree)
    child_count: int = strawberry.field(resolver=walking.child_count)
    descendant_count: int = strawberry.field(resolver=walking.descendant_count)

    @strawberry.field
    async def generation(self, info: Info) -> Generation | None:
        """The work that made it; null for what was imported: see `imported`."""
        made_by = self.document.generation_id
        generation = await info.context.loaders.generations.load(made_by) if made_by else None
        return Generation.of(generation) if generation else None

    @staticmethod
    def kin(info: Info) -> Kin[stored.OrnamentImage]:
        """Where its relatives are read."""
        loaders = info.context.loaders
        return Kin(loaders.ornament_images, loaders.ornament_trees)

    @staticmethod
    def pages() -> Pages:
        """The connections of its type."""
        return Pages(TYPE_NAME, OrnamentImageConnection, OrnamentTreeConnection)


@strawberry.type(description="A page of ornament images.")
class OrnamentImageConnection(Connection[OrnamentImage]):
    """In the order that the field says."""


@strawberry.type(description="A page of a tree of ornament images.")
class OrnamentTreeConnection(TreeConnection[OrnamentImage]):
    """Oldest first; with the gaps that were left above the images of the page."""


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
