"""From what an archive says of a tree to a tree of this server's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from beanie import PydanticObjectId

from app.lineage.imported import Imported
from app.lineage.place import Lineage
from app.lineage.wishes import combined
from app.ornaments.archive_format import ArchivedLineage, ArchivedVersion
from app.ornaments.model import OrnamentImage, SourcePicture


def in_order(lineage: ArchivedLineage) -> list[PydanticObjectId]:
    """Every id that has a place in the tree, the deleted ones too, in their order: the oldest first."""
    return sorted(node.id for node in lineage.nodes)


def shown(lineage: ArchivedLineage) -> ArchivedVersion | None:
    """What stands for the tree: its root, or what comes next to it of all that can be shown; null for nothing."""
    showable = [version for version in lineage.versions if version.picture is not None]
    return min(showable, key=lambda version: (version.depth, version.id), default=None)


@dataclass(frozen=True, slots=True)
class ImportedTree:
    """A tree under new ids: `ids` are by those of the archive, `pictures` are by hash. Nothing of it is stored yet.

    A version whose picture was lost before the export is no image any more: where others descend from it, it is a gap.
    """

    lineage: ArchivedLineage
    owner_id: PydanticObjectId
    at: datetime
    ids: Mapping[PydanticObjectId, PydanticObjectId]
    pictures: Mapping[str, PydanticObjectId]

    def images(self) -> list[OrnamentImage]:
        """The versions, parents before their children."""
        places = self._places()
        versions = sorted(self.lineage.versions, key=lambda version: (version.depth, version.id))
        return [self._image(version, places[version.id]) for version in versions if version.picture is not None]

    def votes(self) -> Sequence[tuple[PydanticObjectId, PydanticObjectId]]:
        """The winner and the loser of each."""
        return [(self.ids[vote.winner_id], self.ids[vote.loser_id]) for vote in self.lineage.votes]

    @property
    def promoted_id(self) -> PydanticObjectId | None:
        """The chosen version; null without one."""
        promoted = self.lineage.promoted_id
        return self.ids[promoted] if promoted is not None else None

    def _places(self) -> dict[PydanticObjectId, Lineage]:
        """Where everything is, by the archive's id; the upper ones are known before those below them."""
        places = dict[PydanticObjectId, Lineage]()
        nodes = sorted(self.lineage.nodes, key=lambda node: node.depth)
        for node in nodes:
            if node.parent_id is None:
                places[node.id] = Lineage.of_root(self.ids[node.id])
            else:
                places[node.id] = places[node.parent_id].child_of(self.ids[node.parent_id])
        return places

    def _image(self, version: ArchivedVersion, place: Lineage) -> OrnamentImage:
        wishes = version.prompts[1:]
        return OrnamentImage(
            id=self.ids[version.id],
            owner_id=self.owner_id,
            kind=version.kind,
            picture_id=self.pictures[version.picture or ""],
            generation_id=None,
            lineage=place,
            parent_id=place.parent_id,
            prompt=wishes[-1] if wishes else None,
            original_prompt=version.original_prompt,
            new_prompt=wishes[-1] if wishes and place.depth else None,
            prompts=version.prompts,
            combined_prompt=combined(*version.prompts),
            background_color=version.background_color,
            measurements=version.measurements,
            model_type=version.model_type,
            sources=self._sources(version),
            source=version.source,
            applied=version.applied,
            note=version.note,
            name=version.name,
            favourite=version.favourite,
            tags=version.tags,
            created_at=self.at,
            trashed_at=self.at if version.trashed_at else None,
            imported=Imported(
                at=self.at,
                original_id=version.id,
                created_at=version.created_at,
                provenance=version.generation,
            ),
        )

    def _sources(self, version: ArchivedVersion) -> tuple[SourcePicture, ...]:
        return tuple(
            SourcePicture(role=source.role, picture_id=self.pictures[source.picture], name=source.name)
            for source in version.sources
        )
