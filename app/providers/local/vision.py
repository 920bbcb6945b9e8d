"""The vision model that needs no provider: what plain image processing can say about a picture."""

from dataclasses import dataclass, field
from functools import partial

from app.costs.usage import Usage
from app.errors import AppError, ErrorCode
from app.pictures.pool import PicturePool
from app.providers.ports.model import Reference, Source
from app.providers.ports.vision import Description, VisionRequest

_NOTE = "Described by basic local image processing, which measures a picture and does not recognise what it shows."


@dataclass(frozen=True, slots=True)
class LocalVisionModel:
    """Measures pictures and says so in words: form, light, colours, and where an object stands out.

    Implements `VisionModel`; it reads no instructions. The work runs in the threads of `pool`. A cancelled
    call ends at once; the thread finishes the picture it is at (under a second) and its result is dropped. The same
    pictures give the same words.
    """

    pool: PicturePool = field(default_factory=PicturePool, repr=False, compare=False)

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

    def expected_usage(self, request: VisionRequest) -> Usage:  # noqa: ARG002 - whatever it is
        """Nothing."""
        return {}

    async def describe(self, request: VisionRequest) -> Description:
        """Say what can be measured on each picture, in order, and that no more than that was done.

        Raises:
            AppError: SOURCE_IMAGE_MISSING without a readable picture; not retryable.
        """
        if not request.pictures:
            raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, "There is no picture to describe. Upload one.")
        said = [await self.pool.work(partial(_described, picture)) for picture in request.pictures]
        if len(said) > 1:
            said = [f"Picture {number}: {words}" for number, words in enumerate(said, 1)]
        return Description(" ".join([*said, _NOTE]), self.source, self.model)


def _described(picture: Reference) -> str:
    from app.providers.local.looks import describe_pixels  # noqa: PLC0415 - see `LocalImageModel`
    from app.providers.local.pixels import decode  # noqa: PLC0415

    return describe_pixels(*decode(picture.data))
