"""The pictures that lie there, and the copies of them that are still delivered."""

import hashlib
import io
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image

from app.simulator.kept import Kept

_ROOM_BYTES = 256 * 1024 * 1024
_SIDE_MAX_PX = 16_384
_FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "GIF": "gif"}


class Place(NamedTuple):
    """Where a picture lies: `kind` is upload, private or authenticated."""

    cloud: str
    kind: str
    public_id: str


@dataclass(frozen=True, slots=True)
class Asset:
    """A picture as it was uploaded; `version` is when, in seconds."""

    data: bytes = field(repr=False)
    version: int
    format: str
    width: int
    height: int

    @classmethod
    def of(cls, data: bytes) -> "Asset":
        """Look at an uploaded file.

        Raises:
            ValueError: it is no picture.
        """
        try:
            with Image.open(io.BytesIO(data), formats=tuple(_FORMATS)) as picture:
                width, height = picture.size
                extension = _FORMATS[picture.format or ""]
        except (OSError, KeyError, Image.DecompressionBombError) as error:
            message = "Invalid image file"
            raise ValueError(message) from error
        if max(width, height) > _SIDE_MAX_PX:
            message = f"Image dimensions are too large. Maximum is {_SIDE_MAX_PX} pixels a side"
            raise ValueError(message)
        return cls(data, int(time.time()), extension, width, height)

    @property
    def etag(self) -> str:
        """MD5, as Cloudinary tells it."""
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Shelf:
    """At most 256 MB of pictures, and as much of copies."""

    _assets: Kept[Place, Asset] = field(default_factory=lambda: Kept[Place, Asset](_ROOM_BYTES))
    _copies: Kept[Place, Asset] = field(default_factory=lambda: Kept[Place, Asset](_ROOM_BYTES))

    def get(self, place: Place) -> Asset | None:
        """What lies there."""
        return self._assets.get(place)

    def put(self, place: Place, asset: Asset) -> None:
        """Put a picture in the place of the one that lay there."""
        self._assets.put(place, asset, len(asset.data))
        self._copies.pop(place)

    def remove(self, place: Place, *, invalidate: bool) -> bool:
        """False when nothing lay there. A copy that was delivered stays with the network unless told otherwise."""
        if invalidate:
            self._copies.pop(place)
        return self._assets.pop(place) is not None

    def delivered(self, place: Place) -> Asset | None:
        """What the network delivers: what lies there, or a copy it still has of what lay there."""
        asset = self._assets.get(place)
        if asset is not None:
            self._copies.put(place, asset, len(asset.data))
        return asset or self._copies.get(place)
