"""Prints which bytes are made of one request of each task, by whom: `python -m tests.providers.making`."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

from app.pictures.pool import PicturePool
from app.providers.libraries import Libraries
from app.providers.local.provider import LocalImageModel
from app.providers.mock.image import MockImageModel
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask, MadePicture
from app.providers.ports.model import Reference

_PHOTOS = Path(__file__).parents[1] / "photos"
_CAR, _TIGER = (Reference((_PHOTOS / f"{name}.jpg").read_bytes(), "image/jpeg") for name in ("car-1", "animal-1"))
_WISHES = ("Make it shine", "Add gold accents")


def _request(task: ImageTask, *references: Reference, background: str | None = None) -> ImageRequest:
    return ImageRequest(task, ". ".join(_WISHES), references, _WISHES, background)


_REQUESTS = {
    "on white": _request(ImageTask.REPLACE_BACKGROUND, _CAR, background="white"),
    "before a picture": _request(ImageTask.REPLACE_BACKGROUND, _CAR, _TIGER),
    "adjusted": _request(ImageTask.ADJUST, _CAR),
    "composed": _request(ImageTask.COMPOSE, _CAR, _TIGER),
    "created": _request(ImageTask.CREATE),
}


async def _sha256(model: ImageModel, request: ImageRequest) -> str:
    (data,) = [one.data async for one in model.run(request) if isinstance(one, MadePicture)]
    return hashlib.sha256(data).hexdigest()


async def _all() -> dict[str, str]:
    local, mock = LocalImageModel(), MockImageModel()
    made = {f"local, {name}": await _sha256(local, one) for name, one in _REQUESTS.items() if one.references}
    return made | {f"mock, {name}": await _sha256(mock, one) for name, one in _REQUESTS.items()}


async def _found() -> dict[str, Any]:
    return {"libraries": await Libraries(PicturePool())(), "made": await _all()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_found()), indent=2))  # noqa: T201 - its purpose
