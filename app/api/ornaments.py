"""Ornament images as clients see them, walked as a tree."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.access import own
from app.api import walking
from app.api.at_hand import NOTHING_AT_HAND, AtHand, Keys, beside
from app.api.connections import Connection
from app.api.context import Info, viewer
from app.api.derived import derived, deriving, often_ready
from app.api.enums import ModelType, OrnamentKind, Source
from app.api.generations import Generation
from app.api.ids import ORNAMENT_IMAGE, global_id
from app.api.imported import ImportedFrom
from app.api.node import ID_WORDS, Node
from app.api.ornament_pictures import OrnamentPictures
from app.api.promoted import Promotable, promoted_version
from app.api.selections import Selected
from app.api.voted import Votable
from app.api.walking import PARENT_ID, ROOT_ID, Kin, Pages, TreeConnection
from app.generations import model as stored_generations
from app.ornaments import model as stored
from app.ornaments.versions import write_version

TYPE_NAME = ORNAMENT_IMAGE

_PICTURES = "sources pictureId"
_KEYS = Keys.of(
    stored.OrnamentImage,
    ornamentNames="sources",
    ornamentPictures=_PICTURES,
    uploadedPicture=_PICTURES,
    modelPicture=_PICTURES,
    posePicture=_PICTURES,
    themePictures=_PICTURES,
    backgroundPicture=_PICTURES,
    picture="pictureId",
    generation="generationId",
    parent="parentId",
    siblings="parentId",
    depth="lineage",
    rootId="lineage.rootId",
    root="lineage",
    ancestors="lineage",
    descendants="lineage",
    tree="lineage",
    childCount="lineage.rootId",
    descendantCount="lineage.rootId",
    promoted="lineage",
    promotedVersion="lineage",
    score="lineage",
)


@deriving
@strawberry.type(description="One version of a product picture of jewellery.")
class OrnamentImage(OrnamentPictures, Promotable, Votable, Node):
    """Shown from its document; parents and children are read when asked for."""

    id: strawberry.ID = derived(ID_WORDS, lambda shown: global_id(TYPE_NAME, shown.document.identity))
    kind: OrnamentKind = derived("What was made of the photo.")
    source: Source = derived("Who really made it.")
    prompt: str | None = derived("What was asked for with this version; null if nothing was.")
    original_prompt: str = derived("The whole instruction of the root.")
    new_prompt: str | None = derived("The wish of this regeneration alone; null for a root.")
    combined_prompt: str = derived("The whole instruction of this version.")
    background_color: str | None = derived(
        "The colour that was asked for as the root's background; null when it was none."
    )
    measurements: str | None = derived("As they were given with the root; null without any.")
    model_type: ModelType | None = derived("Who wears the jewellery; null unless it is a campaign.")
    ornament_names: list[str] = derived(
        "Those of a campaign's ornaments, in the order of `ornamentPictures`; else empty.",
        lambda shown: [source.name for source in shown.document.sources if source.name is not None],
    )
    applied: list[str] = derived("What basic local processing understood and did, in words.")
    note: str | None = derived("What this result is not; null when a model made it.")
    depth: int = derived("0 for a root, 1 for its children.", attrgetter("document.lineage.depth"))
    parent_id: strawberry.ID | None = derived(PARENT_ID, walking.parent_id)
    root_id: strawberry.ID = derived(ROOT_ID, walking.root_id)
    trashed_at: datetime | None = derived(
        "When it went to the trash, where it is out of the gallery and can't be regenerated; null when it is not in it."
    )
    name: str | None = derived("What its owner calls it; null without a name.")
    favourite: bool = derived("Whether it is one of its owner's favourites.")
    tags: list[str] = derived("Its owner's tags, in lower case.")
    created_at: datetime = derived("When it was asked for, or imported: lists are in this order, whenever it was done.")
    imported: ImportedFrom | None = derived(
        "Where it comes from, if it was imported from an archive; null for what was made here.",
        lambda shown: ImportedFrom.of(shown.document.imported) if shown.document.imported else None,
    )

    @classmethod
    def of(cls, image: stored.OrnamentImage, at_hand: AtHand[stored.OrnamentImage] = NOTHING_AT_HAND) -> Self:
        """The image of a document; `at_hand` is what was read with it."""
        return cls(document=image, at_hand=at_hand)

    parent: "OrnamentImage | None" = often_ready(walking.parent, walking.ready_parent)
    root: "OrnamentImage | None" = strawberry.field(resolver=walking.root)
    promoted_version: "OrnamentImage | None" = strawberry.field(resolver=promoted_version)
    ancestors: "list[OrnamentImage]" = strawberry.field(resolver=walking.ancestors)
    children: "OrnamentImageConnection" = strawberry.field(resolver=walking.children)
    siblings: "OrnamentImageConnection" = strawberry.field(resolver=walking.siblings)
    descendants: "OrnamentTreeConnection" = strawberry.field(resolver=walking.descendants)
    tree: "OrnamentTreeConnection" = strawberry.field(resolver=walking.tree)
    child_count: int = often_ready(walking.child_count, walking.ready_child_count)
    descendant_count: int = strawberry.field(resolver=walking.descendant_count)

    generation: Generation | None = often_ready(
        walking.generation,
        walking.ready_generation,
        "The work that made it; null for what was imported: see `imported`.",
    )

    @staticmethod
    def kin(info: Info) -> Kin[stored.OrnamentImage]:
        """Where its relatives are read."""
        loaders = info.context.loaders
        return Kin(stored.OrnamentImage, _KEYS, loaders.ornament_images, loaders.ornament_trees)

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


async def listed(images: Sequence[stored.OrnamentImage], asked: Selected) -> list[OrnamentImage]:
    """Images of a list as they are shown, with what is asked of them read at once."""
    at_hand = await beside(stored.OrnamentImage, images, asked, _KEYS)
    return [OrnamentImage.of(image, at_hand) for image in images]


def keys_of(asked: Selected) -> set[str]:
    """What has to be read of images of which that is asked, and of those that are reached from them."""
    return _KEYS.of_page(asked)
