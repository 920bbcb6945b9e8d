"""Every change that a collection's layout has gone through."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.database.connection import RawDocument

type Change = Callable[[Mapping[str, Any]], RawDocument] | Sequence[Mapping[str, Any]]
"""From a stored document to the update of it (`{"$set": ..., "$unset": ...}`), or an update pipeline for all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a collection's layout; it leads from a version to the next and need not set it itself."""

    name: str
    collection: str
    from_version: int
    change: Change

    @property
    def to_version(self) -> int:
        """The version of the documents that it has changed."""
        return self.from_version + 1


def _loose_picture(document: Mapping[str, Any]) -> RawDocument:
    """Nobody knows whether anything refers to it: the first sweep looks."""
    content = f"{document['store']}/{document['ownerId']}/{document['sha256']}"
    return {"$set": {"state": "LOOSE", "touchedAt": document["createdAt"], "content": content}}


def _durable_generation(document: Mapping[str, Any]) -> RawDocument:
    """Attempts, calls, references to pictures and the time of the latest event; what runs goes on from its steps."""
    kept = [step["pictureId"] for step in document["steps"].values() if "pictureId" in step]
    pictures = [picture["pictureId"] for picture in document["recipe"]["pictures"]]
    unset: RawDocument = dict.fromkeys(("retryOf", "cancelRequestedAt"))
    changed = document["endedAt"] or document["createdAt"]
    return {
        "$set": {**unset, "trimmed": False, "calls": [], "pictureIds": [*pictures, *kept], "changedAt": changed},
    }


def _ornament_of_any_kind(document: Mapping[str, Any]) -> RawDocument:
    """The pictures that it was made from, each with what it shows."""
    source = {"role": "ORNAMENT", "pictureId": document["uploadedPictureId"], "name": None}
    kept: RawDocument = {"sources": [source], "measurements": None, "modelType": None}
    kept |= {"name": None, "favourite": False, "tags": [], "trashedAt": None}
    kept["lineage.depth"] = len(document["lineage"]["ancestors"])
    return {"$set": kept, "$unset": {"uploadedPictureId": ""}}


STEPS: tuple[Step, ...] = (
    Step("let sweeps find the pictures that nothing refers to", "pictures", 1, _loose_picture),
    Step("generations that survive anything", "generations", 1, _durable_generation),
    Step("ornaments of five kinds", "ornament_images", 1, _ornament_of_any_kind),
)
"""Every step there ever was, each collection's in the order of its versions; a document may come from any version."""
