"""What decides, besides this code, which bytes are made of a request on this machine."""

from functools import cache

import cv2
import numpy as np
import PIL
from PIL import features

_CODECS = ("libjpeg_turbo", "webp", "freetype2")


@cache
def libraries() -> str:
    """The libraries that make and encode pixels, their versions, and the processor's features that OpenCV uses.

    Its segmentation and filters round otherwise on a processor without AVX2, so that edges of a cut-out differ.
    """
    codecs = ", ".join(f"{name} {features.version(name)}" for name in _CODECS)
    processor = cv2.getCPUFeaturesLine()
    return f"Pillow {PIL.__version__} ({codecs}), OpenCV {cv2.__version__} ({processor}), NumPy {np.__version__}"
