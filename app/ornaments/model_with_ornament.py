"""MODEL_WITH_ORNAMENT: a close-up of a model, made by the AI, who wears the ornament."""

from app.ornaments.asked import Asked, Role
from app.ornaments.words import fits, measured
from app.providers.ports.image import ImageTask

TASK = ImageTask.COMPOSE
ROLES = (Role.ORNAMENT, Role.POSE)
check = fits


def instruction(asked: Asked) -> str:
    """What the model is told before the user's own wish."""
    pose = ", in the pose that the second picture shows" if asked.shows(Role.POSE) else ""
    return (
        f"Show a realistic close-up of a model who wears the jewellery of the first picture{pose}. "
        f"Keep the jewellery true in shape, material and scale{measured(asked)}"
    )
