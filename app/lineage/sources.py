"""What has to be there before a recipe is done once more: the image it starts from, and every picture."""

from app.errors import AppError, ErrorCode
from app.generations.recipe import Recipe
from app.lineage.trash import in_trash
from app.lineage.version import Version
from app.pictures.model import Picture


async def require_sources(versions: type[Version], recipe: Recipe, *path: str) -> None:
    """Make sure of them, for a recipe of that product; the pictures are safe from every sweep for a grace period then.

    A parent that was deleted for ever is no hindrance while the pictures are there.

    Raises:
        AppError: CONFLICT when the parent is in the trash, SOURCE_IMAGE_MISSING; with that path.
    """
    parent = (await versions.by_ids([recipe.parent_id])).get(recipe.parent_id) if recipe.parent_id else None
    if parent is not None and parent.trashed_at is not None:
        raise in_trash("The image that it was made from", *path)
    wanted = recipe.picture_ids
    if wanted and await Picture.touch_all(wanted) < len(wanted):
        message = "A picture that it was made from is gone: start anew from a photo or another image."
        raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, message, path=path or None)
