"""What every server serves in a comparison: images of one deterministic generator, and the events of a generation."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

IMAGES = 200
_CHILDREN = 3
_KINDS = ("WHITE_BACKGROUND", "BACKGROUND_CHANGE", "MODEL_WITH_ORNAMENT")
_WISHES = ("Make it shine", "Add gold accents", "Make it brighter")
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_RELATIVE = ("id", "prompt")
_SHOWN = ("id", "kind", "prompt", "createdAt", "favourite", "width", "height", "url")

GALLERY = """query Gallery($first: Int!) {
  gallery(first: $first) {
    id kind prompt createdAt favourite width height url
    parent { id prompt }
    children { id prompt }
  }
}"""
PROGRESS = """subscription Progress($id: ID!) {
  generationProgress(id: $id) { generationId sequence type at attempt status stage percent message }
}"""


def rows() -> list[dict[str, Any]]:
    """The images: each has three children, as far as there are that many."""
    return [_row(number) for number in range(IMAGES)]


def _row(number: int) -> dict[str, Any]:
    wish = _WISHES[number % len(_WISHES)]
    return {
        "id": _id(number),
        "kind": _KINDS[number % len(_KINDS)],
        "prompt": f"Remove the background and replace it with white. {wish}. Version {number}",
        "createdAt": (_FIRST + timedelta(minutes=7 * number)).isoformat(),
        "favourite": number % 5 == 0,
        "width": 1024,
        "height": 768 + number % 256,
        "url": f"https://images.example.com/{_id(number)}.webp?w=512",
        "parentId": _id((number - 1) // _CHILDREN) if number else None,
    }


def _id(number: int) -> str:
    return f"65f0c0ffee{number:014x}"


def write(folder: Path) -> Path:
    """The images as a file that every server reads."""
    path = folder / "images.json"
    path.write_text(json.dumps(rows()), encoding="utf-8")
    return path


def gallery(first: int) -> dict[str, Any]:
    """The answer to `GALLERY` that is right."""
    everything = rows()
    return {"data": {"gallery": [_shown(row, everything) for row in everything[:first]]}}


def _shown(row: dict[str, Any], everything: Sequence[dict[str, Any]]) -> dict[str, Any]:
    parents = [_part(one, _RELATIVE) for one in everything if one["id"] == row["parentId"]]
    children = [_part(one, _RELATIVE) for one in everything if one["parentId"] == row["id"]]
    return {**_part(row, _SHOWN), "parent": parents[0] if parents else None, "children": children}


def _part(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def event(generation_id: str, sequence: int) -> dict[str, Any]:
    """An event as `PROGRESS` shows it."""
    return {
        "generationId": generation_id,
        "sequence": sequence,
        "type": "STAGE",
        "at": (_FIRST + timedelta(seconds=sequence)).isoformat(),
        "attempt": 1,
        "status": "RUNNING",
        "stage": "painting",
        "percent": sequence % 100,
        "message": None,
    }
