"""A tree of ornament images, read from the database as an archive tells it."""

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from beanie import PydanticObjectId

from app.archives.pictures import ArchivedPicture
from app.database.keyset import Stretch
from app.generations.model import Generation
from app.generations.provenance import Provenance
from app.lineage.discardable import chunks
from app.lineage.promotion import Promotion
from app.lineage.tombstone import Tombstone
from app.lineage.votes import Vote
from app.ornaments.archive_format import (
    ArchivedGap,
    ArchivedLineage,
    ArchivedSource,
    ArchivedVersion,
    ArchivedVote,
)
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture

_AT_ONCE: Final = 400


@dataclass(frozen=True, slots=True)
class ReadTree:
    """A tree as it was read: `pictures` are all that it shows and was made from, one a hash, by hash."""

    lineage: ArchivedLineage
    pictures: Mapping[str, Picture]

    def without(self, lost: Collection[str]) -> ArchivedLineage:
        """The tree, if the bytes of the pictures with these hashes can't be had any more."""
        if not lost:
            return self.lineage
        versions = [_without(version, lost) for version in self.lineage.versions]
        left = [picture for picture in self.lineage.pictures if picture.sha256 not in lost]
        return self.lineage.model_copy(update={"versions": tuple(versions), "pictures": tuple(left)})


async def read_tree(root_id: PydanticObjectId) -> ReadTree | None:
    """The whole tree of a root, those in the trash included; null when nothing is left of it."""
    images = [image async for image in _images(root_id)]
    if not images:
        return None
    pictures = await _pictures(picture_id for image in images for picture_id in image.picture_ids)
    made_by = await _provenances(image.generation_id for image in images if image.generation_id is not None)
    lineage = ArchivedLineage(
        root_id=root_id,
        promoted_id=await _promoted(root_id, images),
        versions=tuple(_version(image, pictures, made_by) for image in images),
        deleted=await _gaps(root_id, images),
        votes=await _votes(root_id),
        pictures=_described(pictures.values()),
    )
    return ReadTree(lineage, {picture.sha256: picture for picture in pictures.values()})


async def _images(root_id: PydanticObjectId) -> AsyncGenerator[OrnamentImage]:
    stretch = Stretch(_AT_ONCE, descending=False)
    while found := await OrnamentImage.tree(root_id, stretch, whole_prompts=True):
        for image in found:
            yield image
        stretch = stretch._replace(newer_than=found[-1].identity)


async def _pictures(ids: Iterable[PydanticObjectId]) -> dict[PydanticObjectId, Picture]:
    found = dict[PydanticObjectId, Picture]()
    for some in chunks(dict.fromkeys(ids)):
        found |= await Picture.by_ids(some)
    return found


async def _provenances(ids: Iterable[PydanticObjectId]) -> dict[PydanticObjectId, Provenance]:
    found = dict[PydanticObjectId, Provenance]()
    for some in chunks(ids):
        generations = await Generation.without_events(some)
        found |= {identity: Provenance.of(one) for identity, one in generations.items()}
    return found


async def _promoted(root_id: PydanticObjectId, images: Sequence[OrnamentImage]) -> PydanticObjectId | None:
    promotion = (await Promotion.of_roots([root_id])).get(root_id)
    there = {image.identity for image in images}
    return promotion.version_id if promotion and promotion.version_id in there else None


async def _gaps(root_id: PydanticObjectId, images: Sequence[OrnamentImage]) -> tuple[ArchivedGap, ...]:
    """Those that a version descends from: the others leave no trace."""
    above = {one for image in images for one in image.lineage.ancestors} - {image.identity for image in images}
    links = [link for link in await Tombstone.links([root_id]) if link.version_id in above]
    gaps = [ArchivedGap(id=link.version_id, parent_id=link.parent_id, depth=link.depth) for link in links]
    return tuple(sorted(gaps, key=lambda gap: gap.id))


async def _votes(root_id: PydanticObjectId) -> tuple[ArchivedVote, ...]:
    votes = [
        ArchivedVote(winner_id=vote.winner_id, loser_id=vote.loser_id, voted_at=vote.voted_at)
        for vote in await Vote.of_tree(root_id)
    ]
    return tuple(sorted(votes, key=lambda vote: (vote.winner_id, vote.loser_id)))


def _described(pictures: Iterable[Picture]) -> tuple[ArchivedPicture, ...]:
    described = {picture.sha256: ArchivedPicture.of(picture) for picture in pictures}
    return tuple(described[sha256] for sha256 in sorted(described))


def _version(
    image: OrnamentImage,
    pictures: Mapping[PydanticObjectId, Picture],
    made_by: Mapping[PydanticObjectId, Provenance],
) -> ArchivedVersion:
    shown, imported = pictures.get(image.picture_id), image.imported
    provenance = made_by.get(image.generation_id) if image.generation_id else None
    return ArchivedVersion(
        id=image.identity,
        parent_id=image.parent_id,
        depth=image.lineage.depth,
        kind=image.kind,
        source=image.source,
        prompts=image.prompts,
        combined_prompt=image.combined_prompt,
        original_prompt=image.original_prompt,
        background_color=image.background_color,
        measurements=image.measurements,
        model_type=image.model_type,
        picture=shown.sha256 if shown else None,
        sources=tuple(
            ArchivedSource(role=source.role, picture=pictures[source.picture_id].sha256, name=source.name)
            for source in image.sources
            if source.picture_id in pictures
        ),
        applied=image.applied,
        note=image.note,
        name=image.name,
        favourite=image.favourite,
        tags=image.tags,
        created_at=imported.created_at if imported else image.created_at,
        trashed_at=image.trashed_at,
        generation=imported.provenance if imported else provenance,
    )


def _without(version: ArchivedVersion, lost: Collection[str]) -> ArchivedVersion:
    shown = None if version.picture in lost else version.picture
    sources = tuple(source for source in version.sources if source.picture not in lost)
    return version.model_copy(update={"picture": shown, "sources": sources})
