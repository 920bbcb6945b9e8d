"""The ornament alone on white, or on a colour that was named."""

from app.providers.ports.image import ImageTask

TASK = ImageTask.REPLACE_BACKGROUND


def instruction(background: str) -> str:
    """What the model is told before the user's own wish."""
    return f"Remove the background and replace it with {background}"
