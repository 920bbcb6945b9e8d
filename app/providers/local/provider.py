"""The image model that needs no provider: plain image processing on this machine."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from app.costs.usage import Usage
from app.errors import AppError, ErrorCode
from app.pictures.colours import Colour, parse_colour
from app.providers.local.adjustments import adjust
from app.providers.local.compositing import clean_edges, put_on
from app.providers.local.cutout import Cutout, cut_out
from app.providers.local.pixels import Pixels, decode, encode
from app.providers.local.preview import preview
from app.providers.local.wishes import Adjustment, Quality, understand
from app.providers.ports.image import ImageRequest, ImageTask, MadePicture, Preview
from app.providers.ports.model import Source, Stage

_AT_ONCE = 2  # a 12-megapixel picture takes some 200 MB while it is worked on
_WHITE: Colour = (255, 255, 255)
_NOTE = "Made by basic local image processing, not by an AI model."


@dataclass(frozen=True, slots=True)
class LocalImageModel:
    """Cuts objects out, changes backgrounds and adjusts colours; implements `ImageModel`.

    The work runs in threads, two pictures at a time. A cancelled call ends at once; the thread finishes the
    step it is in (under a second) and its result is dropped. The same request gives the same bytes.
    """

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE), repr=False, compare=False)

    @property
    def name(self) -> str:
        """`local`."""
        return "local"

    @property
    def model(self) -> str:
        """The processing's name; its number rises when results change."""
        return "basic-processing-1"

    @property
    def source(self) -> Source:
        """Basic processing on this machine."""
        return Source.LOCAL

    def expected_usage(self, request: ImageRequest) -> Usage:  # noqa: ARG002 - whatever it is
        """Nothing."""
        return {}

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        """Yield stages, a preview once the object is cut out, then the picture.

        Raises:
            AppError: BAD_USER_INPUT for an unknown background colour or a picture in which no object stands
                out, SOURCE_IMAGE_MISSING without a readable picture. None is retryable.
        """
        work = _Work.of(request)
        async with self.slots:
            yield Stage("reading the picture", 5)
            source = request.references[0]
            colours, transparency = await asyncio.to_thread(decode, source.data)
            if work.is_idle:
                yield MadePicture(source.data, source.media_type, self.source, self.model, (), work.note(None))
                return
            yield Stage("cutting out", 20)
            cutout = await asyncio.to_thread(work.cut, colours, transparency)
            yield await asyncio.to_thread(preview, colours, transparency, cutout, work.background)
            yield Stage("applying the wishes", 50)
            await asyncio.to_thread(work.change, colours, cutout)
            yield Stage("saving the picture", 80)
            kept = transparency if work.background is None else None
            data, media_type = await asyncio.to_thread(encode, colours, kept)
        yield MadePicture(data, media_type, self.source, self.model, work.applied, work.note(cutout))


@dataclass(frozen=True, slots=True)
class _Work:
    """A request, understood.

    `background` is what to put the object on, null to keep what is there; `adjustments` are the changes of
    pixels, in the wishes' order; `missed` are the wishes in which nothing was understood.
    """

    background: Colour | None
    adjustments: tuple[Adjustment, ...]
    applied: tuple[str, ...]
    missed: tuple[str, ...]

    @classmethod
    def of(cls, request: ImageRequest) -> "_Work":
        if not request.references:
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "There is no source picture. Upload one.")
        understood = [(wish, understand(wish)) for wish in request.wishes]
        found = [adjustment for _, adjustments in understood for adjustment in adjustments]
        background, name = None, ""
        if request.task is ImageTask.REPLACE_BACKGROUND:
            name = request.background or "white"
            background = parse_colour(name)
        for one in found:
            if one.colour is not None:  # the last colour wished for wins
                background, name = one.colour, one.detail
        adjustments = tuple(one for one in found if one.quality is not Quality.BACKGROUND)
        applied = (*([f"{name} background"] if name else []), *(one.words for one in adjustments))
        missed = tuple(wish.strip() for wish, adjustments in understood if wish.strip() and not adjustments)
        return cls(background, adjustments, applied, missed)

    @property
    def is_idle(self) -> bool:
        """Whether the picture stays as it is."""
        return self.background is None and not self.adjustments

    def note(self, cutout: Cutout | None) -> str:
        """What the result is not, for people."""
        note = [_NOTE]
        if cutout is not None and not cutout.on_plain and self.background is not None:
            note.append("The photo's background is busy, so the outline is a guess; a plain background cuts cleanly.")
        if self.missed:
            quoted = ", ".join(f"“{wish[:80]}”" for wish in self.missed)
            note.append(
                f"Nothing of {quoted} is understood by the basic local processing; "
                "set GOOGLE_API_KEY for a model that reads it."
            )
        return " ".join(note)

    def cut(self, colours: Pixels, transparency: Pixels | None) -> Cutout | None:
        """The object, null where the whole picture is to be changed.

        Raises:
            AppError: BAD_USER_INPUT when the background is to be replaced and no object stands out.
        """
        if transparency is not None:
            return Cutout(transparency, on_plain=True)
        cutout = cut_out(colours)
        if cutout is None and self.background is not None:
            message = (
                "No object stands out from the background of this picture. Take the photo before a plain surface "
                "of another colour, with the whole object in the middle, or set GOOGLE_API_KEY for a model that "
                "finds it."
            )
            raise AppError(ErrorCode.BAD_USER_INPUT, message)
        return cutout

    def change(self, colours: Pixels, cutout: Cutout | None) -> None:
        """Apply everything, in place."""
        if cutout is not None and self.background is not None:
            clean_edges(colours, cutout.alpha)
            for adjustment in self.adjustments:
                adjust(colours, adjustment)
            put_on(colours, cutout.alpha, self.background)
            return
        for adjustment in self.adjustments:
            # A plain background stays as it is; in a scene only metal is put on the object alone.
            object_only = cutout is not None and (cutout.on_plain or adjustment.quality is Quality.METAL)
            adjust(colours, adjustment, cutout.alpha if cutout is not None and object_only else None)
