"""BACKGROUND_CHANGE: the ornament of a photo before another background."""

from app.errors import bad_input
from app.ornaments.asked import Asked, Role
from app.providers.ports.image import ImageTask

TASK = ImageTask.REPLACE_BACKGROUND
ROLES = (Role.ORNAMENT, Role.BACKGROUND)


def instruction(asked: Asked) -> str:
    """What the model is told before the user's own wish: the new background is a picture, a colour, or in the wish."""
    if asked.shows(Role.BACKGROUND):
        return (
            "Put the jewellery of the first picture before the background that the second picture shows, lit as it is "
            "there, and leave the jewellery itself unchanged"
        )
    if asked.background:
        return f"Change the background to {asked.background} and leave the jewellery itself unchanged"
    return "Change the background as follows and leave the jewellery itself unchanged"


def check(asked: Asked) -> None:
    """At most one new background; without any, the wish has to say it.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    if asked.background is not None and asked.shows(Role.BACKGROUND):
        raise bad_input("Give a backgroundImage or a backgroundColor, not both.", "input", "backgroundColor")
    if asked.background is None and not asked.shows(Role.BACKGROUND) and not asked.wish:
        message = "Say what the new background is: a backgroundImage, a backgroundColor, or words in the prompt."
        raise bad_input(message, "input", "prompt")
