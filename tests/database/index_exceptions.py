"""What is asked of the database without an index for all of it, each with its reason."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

OFFLINE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "app/database/upgrade.py": "an upgrade reads every document; a start looks once, and remembers what it found",
        "app/database/content.py": "a copy reads everything there is",
        "app/database/backup.py": "a restore that fails takes back everything it wrote",
        "app/database/transfer.py": "a copy reads everything there is",
        "app/jobs/queries.py": "the operator's view over all owners, on the command line",
        "app/shelves/queries.py": "the operator's count of all pictures, on the command line",
    }
)
"""Files whose queries read collections as a whole, because that is what they are for."""

WHOLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "provider_slots": "one document a provider",
        "turns": "one document a chore",
        "layouts": "one document",
        "processes": "one document a process that works",
    }
)
"""Collections that are read as a whole, because they hold next to nothing."""

_BUSY = "what is not settled is what is being worked on: as much as the owners' lanes hold"
_MOVES = "moves under way are few"
_OWN = "a filter of the gallery, looked at in what one owner has"
_TREE = "looked at in the versions of one tree"
_SHOWN = "a picture is shown by few"
_JOURNAL = "a filter of the journal, looked at in what one owner has"
_VERSIONS = "looked at in the versions of one dream"
_TRASH = "next to nothing is in the trash"
_INVITATIONS = "the invitations to one project of a week"

RESIDUALS: Final[Mapping[tuple[str, str, str], str]] = MappingProxyType(
    {
        ("batches", "settled", "$expr"): "what is not settled is being started, for a second or two",
        ("generations", "settled", "$expr"): f"{_BUSY}; the database's own clock is no bound of an index",
        ("generations", "settled", "status"): _BUSY,
        ("generations", "settled", "pictureIds"): _BUSY,
        ("generations", "settled", "recipe.parentId"): _BUSY,
        ("generations", "pictureIds", "settled"): _SHOWN,
        ("generations", "pictureIds", "recipe.parentId"): _SHOWN,
        ("pictures", "moving.since", "state"): _MOVES,
        ("pictures", "left.since", "left.store"): _MOVES,
        ("pictures", "left.since", "state"): _MOVES,
        ("ornament_images", "ownerId", "trashedAt"): "next to nothing is in the trash",
        ("ornament_images", "ownerId", "favourite"): _OWN,
        ("ornament_images", "ownerId", "tags"): _OWN,
        ("ornament_images", "ownerId", "parentId"): _OWN,
        ("ornament_images", "ownerId", "createdAt"): "exact to the millisecond within the bounds of `_id`, a day apart",
        ("ornament_images", "ownerId", "combinedPrompt"): _OWN,
        ("ornament_images", "ownerId", "name"): _OWN,
        ("dreams", "ownerId", "trashedAt"): "next to nothing is in the trash",
        ("dreams", "ownerId", "making"): "next to nothing is being made",
        ("dreams", "ownerId", "mood"): _JOURNAL,
        ("dreams", "ownerId", "tags"): _JOURNAL,
        ("dreams", "ownerId", "interpretation.symbols.key"): _JOURNAL,
        ("dreams", "ownerId", "dreamedAt"): _JOURNAL,
        ("dreams", "ownerId", "text"): _JOURNAL,
        ("dreams", "ownerId", "title"): _JOURNAL,
        ("dreams", "ownerId", "interpretation.narrative"): _JOURNAL,
        ("dreams", "ownerId", "interpretation"): _JOURNAL,
        ("dreams", "ownerId", "illustration"): _JOURNAL,
        ("dreams", "ownerId", "interpretation.model"): _JOURNAL,
        ("dreams", "ownerId", "illustration.model"): _JOURNAL,
        ("dreams", "ownerId", "interpretation.source"): _JOURNAL,
        ("dreams", "ownerId", "illustration.source"): _JOURNAL,
        ("dream_versions", "dreamId", "interpretation.generationId"): _VERSIONS,
        ("dream_versions", "dreamId", "illustration.generationId"): _VERSIONS,
        ("projects", "ownerId", "trashedAt"): _TRASH,
        ("projects", "members.userId", "trashedAt"): _TRASH,
        ("projects", "members.userId", "members.role"): "looked at in the projects that one user is a member of",
        ("chats", "projectId", "trashedAt"): _TRASH,
        ("invitations", "projectId", "usedAt"): _INVITATIONS,
        ("invitations", "projectId", "expiresAt"): _INVITATIONS,
        ("invitations", "usedBy", "projectId"): "nobody is about to accept more than a few",
        ("exchanges", "fork.above.branchId", "fork.above.until"): "looked at in the branches that go on from one",
        ("*", "lineage.rootId", "lineage.ancestors"): _TREE,
        ("*", "lineage.rootId", "lineage.depth"): _TREE,
    }
)
"""Of a collection (`*`: any), by the first field of the index in use: fields that are looked at in what it found."""
