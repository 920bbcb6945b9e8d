"""REAL_MODEL_WITH_ORNAMENT: the person of a photo wears the ornament."""

from app.ornaments.asked import Asked, Role
from app.ornaments.words import fits, measured
from app.providers.ports.image import ImageTask

TASK = ImageTask.COMPOSE
ROLES = (Role.MODEL, Role.ORNAMENT, Role.POSE)
check = fits


def instruction(asked: Asked) -> str:
    """What the model is told before the user's own wish."""
    pose = "Take the pose of the third picture. " if asked.shows(Role.POSE) else ""
    return (
        "Let the person of the first picture wear the jewellery of the second picture. "
        "Keep the person's face, hair, body and clothes as they are. "
        f"{pose}Keep the jewellery true in shape, material and scale{measured(asked)}"
    )
