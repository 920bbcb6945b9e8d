"""An archive as somebody may send it, made without a server; and others made from it."""

import io
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from zipfile import ZIP_STORED, ZipFile

from bson import ObjectId

from tests.ornaments.workshop import picture

type Change = Callable[[Any], object]

_AT = "2026-11-20T10:00:00Z"


def as_it_is(_: Any) -> None:
    """Change nothing."""


def changed(
    archive: bytes, change: Change = as_it_is, files: Mapping[str, bytes] | None = None, method: int = ZIP_STORED
) -> bytes:
    """The archive packed anew, with another `lineage.json`, and with these files in place of others or besides."""
    given, out = files or {}, io.BytesIO()
    with ZipFile(io.BytesIO(archive)) as old, ZipFile(out, "w", method) as new:
        for name in old.namelist():
            if name == "lineage.json":
                lineage = json.loads(old.read(name))
                change(lineage)
                new.writestr(name, json.dumps(lineage))
            elif name not in given:
                new.writestr(name, old.read(name))
        for name, data in given.items():
            new.writestr(name, data)
    return out.getvalue()


def without(archive: bytes, missing: str) -> bytes:
    """The archive without one of its files."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(archive)) as old, ZipFile(out, "w") as new:
        for name in old.namelist():
            if name != missing:
                new.writestr(name, old.read(name))
    return out.getvalue()


def _picture(data: bytes) -> dict[str, Any]:
    digest = sha256(data).hexdigest()
    size = {"width": 8, "height": 6, "byteSize": len(data)}
    return {"sha256": digest, "file": f"pictures/{digest}.png", "mediaType": "image/png", **size}


def _version(parent: dict[str, Any] | None, wish: str, shown: bytes, source: bytes) -> dict[str, Any]:
    prompts = [*(parent["prompts"] if parent else ["Remove the background"]), wish]
    none = dict.fromkeys(("backgroundColor", "measurements", "modelType", "note", "name", "trashedAt", "generation"))
    return {
        "id": str(ObjectId()),
        "parentId": parent["id"] if parent else None,
        "depth": parent["depth"] + 1 if parent else 0,
        "kind": "WHITE_BACKGROUND",
        "source": "PROVIDER",
        "prompts": prompts,
        "combinedPrompt": ". ".join(prompts),
        "originalPrompt": "Remove the background",
        "picture": sha256(shown).hexdigest(),
        "sources": [{"role": "ORNAMENT", "picture": sha256(source).hexdigest(), "name": None}],
        "applied": [],
        "favourite": False,
        "tags": [],
        "createdAt": _AT,
        **none,
    }


def sent() -> bytes:
    """The archive of a root, its child, and a child of that."""
    red, gold, green, white = (picture(colour) for colour in ("red", "gold", "green", "white"))
    root = _version(None, "Make it shine", red, white)
    child = _version(root, "Add gold accents", gold, white)
    last = _version(child, "Make it brighter", green, white)
    lineage = {
        "format": "regen.lineage",
        "version": 1,
        "rootId": root["id"],
        "promotedId": None,
        "versions": [root, child, last],
        "deleted": [],
        "votes": [],
        "pictures": [_picture(data) for data in (red, gold, green, white)],
    }
    out = io.BytesIO()
    with ZipFile(out, "w") as zipped:
        for data in (red, gold, green, white):
            zipped.writestr(f"pictures/{sha256(data).hexdigest()}.png", data)
        zipped.writestr("lineage.json", json.dumps(lineage))
    return out.getvalue()
