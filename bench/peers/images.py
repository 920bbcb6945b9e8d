"""The images and events that the peers in Python serve, as plain objects."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self


class ImageKind(StrEnum):
    """What was made of a photo."""

    WHITE_BACKGROUND = "WHITE_BACKGROUND"
    BACKGROUND_CHANGE = "BACKGROUND_CHANGE"
    MODEL_WITH_ORNAMENT = "MODEL_WITH_ORNAMENT"


@dataclass(slots=True)
class Image:
    """One image, with those it was made from and into."""

    id: str
    kind: ImageKind
    prompt: str
    created_at: datetime
    favourite: bool
    width: int
    height: int
    url: str
    parent: Self | None = None
    children: list[Self] = field(default_factory=list[Self])


@dataclass(slots=True)
class Event:
    """One event of a generation."""

    generation_id: str
    sequence: int
    type: str
    at: datetime
    attempt: int
    status: str
    stage: str | None
    percent: int
    message: str | None

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        """The event as it was told in JSON."""
        return cls(
            generation_id=told["generationId"],
            sequence=told["sequence"],
            type=told["type"],
            at=datetime.fromisoformat(told["at"]),
            attempt=told["attempt"],
            status=told["status"],
            stage=told["stage"],
            percent=told["percent"],
            message=told["message"],
        )


def read_images[T](path: str, image: type[T]) -> list[T]:
    """Those of a file, each made as `image(**fields)` and joined with its relatives."""
    rows: list[dict[str, Any]] = json.loads(Path(path).read_bytes())
    made: dict[str, Any] = {row["id"]: image(**_fields(row)) for row in rows}
    for row in rows:
        if row["parentId"]:
            made[row["id"]].parent = made[row["parentId"]]
            made[row["parentId"]].children.append(made[row["id"]])
    return list(made.values())


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "kind": ImageKind(row["kind"]),
        "prompt": row["prompt"],
        "created_at": datetime.fromisoformat(row["createdAt"]),
        "favourite": row["favourite"],
        "width": row["width"],
        "height": row["height"],
        "url": row["url"],
    }
