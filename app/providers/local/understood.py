"""A request as the local provider understands it, and what it does about it."""

from dataclasses import dataclass

from app.errors import AppError, ErrorCode
from app.pictures.colours import Colour, parse_colour
from app.providers.local.adjustments import adjust
from app.providers.local.compositing import clean_edges, covering, put
from app.providers.local.cutout import Cutout, cut_out
from app.providers.local.pixels import Pixels, decode
from app.providers.local.wishes import Adjustment, Quality, understand
from app.providers.ports.image import ImageRequest, ImageTask
from app.providers.ports.model import Reference

_NOTE = "Made by basic local image processing, not by an AI model."


@dataclass(frozen=True, slots=True)
class Understood:
    """A request, understood.

    `background` is what to put the object on, null to keep what is there; `backdrop` is a picture to put it before
    instead. `adjustments` are the changes of pixels, in the wishes' order; `missed` are the wishes in which nothing
    was understood.
    """

    background: Colour | None
    backdrop: Reference | None
    adjustments: tuple[Adjustment, ...]
    applied: tuple[str, ...]
    missed: tuple[str, ...]

    @classmethod
    def of(cls, request: ImageRequest) -> "Understood":
        """Read the task and the wishes.

        Raises:
            AppError: SOURCE_IMAGE_MISSING without a picture, BAD_USER_INPUT for an unknown background colour.
        """
        if not request.references:
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "There is no source picture. Upload one.")
        understood = [(wish, understand(wish)) for wish in request.wishes]
        found = [adjustment for _, adjustments in understood for adjustment in adjustments]
        background, backdrop, name = None, None, ""
        if request.task is ImageTask.REPLACE_BACKGROUND:
            backdrop = request.references[1] if len(request.references) > 1 else None
            name = request.background or ""
            background = parse_colour(name) if name else None
        for one in found:
            if one.colour is not None:  # the last colour wished for wins
                background, backdrop, name = one.colour, None, one.detail
        adjustments = tuple(one for one in found if one.quality is not Quality.BACKGROUND)
        named = "the background of the picture" if backdrop else f"{name} background" if name else ""
        applied = (*([named] if named else []), *(one.words for one in adjustments))
        missed = tuple(wish.strip() for wish, adjustments in understood if wish.strip() and not adjustments)
        return cls(background, backdrop, adjustments, applied, missed)

    @property
    def is_idle(self) -> bool:
        """Whether the picture stays as it is."""
        return not self.replaces and not self.adjustments

    @property
    def replaces(self) -> bool:
        """Whether the object gets another background."""
        return self.background is not None or self.backdrop is not None

    def note(self, cutout: Cutout | None) -> str:
        """What the result is not, for people."""
        note = [_NOTE]
        if cutout is not None and not cutout.on_plain and self.replaces:
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
        if cutout is None and self.replaces:
            message = (
                "No object stands out from the background of this picture. Take the photo before a plain surface "
                "of another colour, with the whole object in the middle, or set GOOGLE_API_KEY for a model that "
                "finds it."
            )
            raise AppError(ErrorCode.BAD_USER_INPUT, message)
        return cutout

    def behind(self, height: int, width: int) -> Colour | Pixels | None:
        """What to put the object on, of that many pixels; null to keep what is there.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when the backdrop is no picture.
        """
        return self.background if self.backdrop is None else covering(decode(self.backdrop.data)[0], height, width)

    def change(self, colours: Pixels, cutout: Cutout | None, behind: Colour | Pixels | None) -> None:
        """Apply everything, in place."""
        if cutout is not None and behind is not None:
            clean_edges(colours, cutout.alpha)
            for adjustment in self.adjustments:
                adjust(colours, adjustment)
            put(colours, cutout.alpha, behind)
            return
        for adjustment in self.adjustments:
            # A plain background stays as it is; in a scene only metal is put on the object alone.
            object_only = cutout is not None and (cutout.on_plain or adjustment.quality is Quality.METAL)
            adjust(colours, adjustment, cutout.alpha if cutout is not None and object_only else None)
