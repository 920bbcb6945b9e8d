"""A small picture of this project's own, for tests of models: a red ball and a yellow box on a pale blue ground."""

import io
from functools import cache

from PIL import Image, ImageDraw

_SIZE, _FINER = (512, 384), 2
_GROUND, _SHADOW = (214, 230, 240), (178, 198, 214)
_BALL, _BALL_LIGHT = (206, 52, 44), (236, 112, 98)
_BOX_FRONT, _BOX_TOP, _BOX_SIDE = (240, 190, 60), (250, 216, 120), (206, 154, 36)


@cache
def sample_picture() -> bytes:
    """A PNG of 512 x 384 pixels, always the same bytes. Blocks for some milliseconds: call it in a thread."""
    image = Image.new("RGB", (_SIZE[0] * _FINER, _SIZE[1] * _FINER), _GROUND)
    draw = ImageDraw.Draw(image)
    draw.ellipse((150, 540, 520, 630), fill=_SHADOW)
    draw.ellipse((170, 220, 520, 570), fill=_BALL)
    draw.ellipse((235, 275, 335, 365), fill=_BALL_LIGHT)
    draw.polygon(((560, 590), (820, 590), (900, 540), (900, 560), (840, 630), (580, 630)), fill=_SHADOW)
    draw.rectangle((560, 330, 780, 590), fill=_BOX_FRONT)
    draw.polygon(((560, 330), (640, 270), (860, 270), (780, 330)), fill=_BOX_TOP)
    draw.polygon(((780, 330), (860, 270), (860, 530), (780, 590)), fill=_BOX_SIDE)
    encoded = io.BytesIO()
    image.resize(_SIZE, Image.Resampling.BOX).save(encoded, "PNG")
    return encoded.getvalue()
