"""WHITE_BACKGROUND: the ornament of a photo on a plain background."""

from app.ornaments.asked import Asked, Role
from app.ornaments.words import fits
from app.providers.ports.image import ImageTask

TASK = ImageTask.REPLACE_BACKGROUND
ROLES = (Role.ORNAMENT,)
check = fits


def instruction(asked: Asked) -> str:
    """What the model is told before the user's own wish."""
    return f"Remove the background and replace it with {asked.background}"
