"""What a delivery's address asks to be done to a picture: width, height, crop, quality, format."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from PIL import Image, ImageOps

_PARAMETER = r"[a-z]{1,3}_[\w.:-]+"
_TRANSFORMATION = re.compile(rf"{_PARAMETER}(?:,{_PARAMETER})*")
_KNOWN = frozenset({"w", "h", "c", "q", "f", "g", "dpr", "fl", "ar", "b", "e"})
_FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "avif": "AVIF", "gif": "GIF"}
_SIDE_MAX_PX = 8192


def is_transformation(part: str) -> bool:
    """Whether a part of an address is one and no folder."""
    return bool(_TRANSFORMATION.fullmatch(part)) and part.partition("_")[0] in _KNOWN


@dataclass(frozen=True, slots=True)
class Transformation:
    """`width` and `height` in pixels, null where the other one decides; what isn't known here is passed over."""

    width: int | None = None
    height: int | None = None
    crop: str = "scale"
    best_format: bool = False

    @classmethod
    def of(cls, parts: Sequence[str]) -> Self:
        """Of all parts together; a later one wins."""
        said = dict(one.split("_", 1) for part in parts for one in part.split(","))
        return cls(_side(said.get("w")), _side(said.get("h")), said.get("c", "scale"), said.get("f") == "auto")

    def leaves(self, width: int, height: int) -> bool:
        """Whether a picture of that size stays as it is."""
        return self._size(width, height) == (width, height)

    def apply(self, picture: Image.Image, format: str) -> bytes:
        """The picture in that size and format, encoded."""
        plain = picture.convert("RGB") if format == "jpg" else picture
        size = self._size(*plain.size)
        if self.crop in {"fill", "thumb", "crop"} and self.width and self.height:
            plain = ImageOps.fit(plain, size, Image.Resampling.LANCZOS)
        elif size != plain.size:
            plain = plain.resize(size, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        plain.save(buffer, _FORMATS[format])
        return buffer.getvalue()

    def _size(self, width: int, height: int) -> tuple[int, int]:
        if self.width is None and self.height is None:
            return width, height
        if self.width and self.height and self.crop not in {"limit", "fit"}:
            return self.width, self.height
        scale = min(wanted / side for wanted, side in ((self.width, width), (self.height, height)) if wanted)
        if self.crop == "limit":
            scale = min(scale, 1)
        return max(1, round(width * scale)), max(1, round(height * scale))


def _side(text: str | None) -> int | None:
    return min(int(text), _SIDE_MAX_PX) or None if text and text.isdigit() else None
