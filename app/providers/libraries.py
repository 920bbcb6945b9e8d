"""What decides, besides this code, which bytes are made of a request on this machine."""

from dataclasses import dataclass

from app.pictures.pool import PicturePool

_CODECS = ("libjpeg_turbo", "webp", "freetype2")


@dataclass(slots=True)
class Libraries:
    """The libraries that make and encode pixels, as a line.

    They are imported in a thread of `pool`, once, when somebody asks for them: OpenCV and NumPy take 50 MB.
    """

    pool: PicturePool
    _line: str | None = None

    async def __call__(self) -> str:
        """Their names and versions, and the processor's features that OpenCV uses.

        Its segmentation and filters round otherwise on a processor without AVX2, so that edges of a cut-out differ.
        """
        if self._line is None:
            self._line = await self.pool.work(_line)
        return self._line


def _line() -> str:
    import cv2  # noqa: PLC0415 - see `Libraries`
    import numpy as np  # noqa: PLC0415
    import PIL  # noqa: PLC0415
    from PIL import features  # noqa: PLC0415

    codecs = ", ".join(f"{name} {features.version(name)}" for name in _CODECS)
    processor = cv2.getCPUFeaturesLine()
    return f"Pillow {PIL.__version__} ({codecs}), OpenCV {cv2.__version__} ({processor}), NumPy {np.__version__}"
