"""Encoded pictures for what was asked, made once and kept while there is room."""

import io
from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from app.simulator.call import prompt_hash
from app.simulator.kept import Kept
from app.simulator.padding import padded
from app.simulator.painting import Motif, paint, unfinished

MEDIA_TYPES: Final = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}
HUGE_BYTES: Final = 6 * 1024 * 1024
_KEPT_BYTES = 64 * 1024 * 1024
_OPTIONS = {"png": {"compress_level": 1}, "webp": {"quality": 80, "method": 2}, "jpeg": {"quality": 88}}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture to be made: `format` is png, webp or jpeg, `number` counts from 1 among those of one request."""

    prompt: str
    references: tuple[str, ...]
    width: int
    height: int
    format: str
    number: int = 1

    @property
    def media_type(self) -> str:
        """As a header says it."""
        return MEDIA_TYPES[self.format]

    def motif(self) -> Motif:
        """What it shows: the prompt's hash, and how many references came."""
        count = len(self.references)
        came = "no references" if not count else "1 reference" if count == 1 else f"{count} references"
        which = f"picture {self.number}" if self.number > 1 else "simulated picture"
        seed = "\n".join((self.prompt, *self.references, str(self.number)))
        return Motif(seed, prompt_hash(self.prompt), (came, which))


@dataclass(frozen=True, slots=True)
class Made:
    """Encoded bytes of a picture, and of it at earlier times, the earliest first."""

    picture: bytes = field(repr=False)
    partials: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def size(self) -> int:
        """In bytes, all together."""
        return len(self.picture) + sum(map(len, self.partials))


@dataclass(frozen=True, slots=True)
class Pictures:
    """Makes pictures, in whatever thread asks; keeps the latest 64 MB."""

    _kept: Kept[tuple[Wanted, int], Made] = field(default_factory=lambda: Kept[tuple[Wanted, int], Made](_KEPT_BYTES))

    def make(self, wanted: Wanted, partials: int = 0) -> Made:
        """The picture, the same bytes whenever the same is wanted."""
        key = (wanted, partials)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        picture = paint(wanted.motif(), wanted.width, wanted.height)
        earlier = tuple(encoded(unfinished(picture, step), wanted.format) for step in range(partials))
        made = Made(encoded(picture, wanted.format), earlier)
        self._kept.put(key, made, made.size)
        return made

    def huge(self, wanted: Wanted) -> bytes:
        """The picture in a file of exactly 6 MiB."""
        return padded(self.make(wanted).picture, wanted.media_type, HUGE_BYTES)


def encoded(picture: Image.Image, format: str) -> bytes:
    """Its bytes; `format` is png, webp or jpeg."""
    buffer = io.BytesIO()
    picture.save(buffer, format, **_OPTIONS[format])
    return buffer.getvalue()
