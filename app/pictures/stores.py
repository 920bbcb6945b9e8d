"""Every store that is set up, and which of them a picture lies in."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from app.errors import AppError, ErrorCode
from app.pictures.store import PictureStore


@dataclass(frozen=True, slots=True)
class Stores:
    """The one that new pictures go to, and the others that older ones may still lie in."""

    chosen: PictureStore
    others: Collection[PictureStore] = ()

    def __iter__(self) -> Iterator[PictureStore]:
        yield self.chosen
        yield from self.others

    @property
    def names(self) -> list[str]:
        """Their names in documents."""
        return [store.name for store in self]

    def named(self, name: str) -> PictureStore:
        """The store that documents call so.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when it is not set up; it says which setting does that.
        """
        for store in self:
            if store.name == name:
                return store
        message = f"The picture lies in the store “{name}”, which is not set up: {how_to_set_up(name)}."
        raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, message)


def how_to_set_up(name: str) -> str:
    """What to do to have the store of that name, as the end of a sentence."""
    kind, _, cloud = name.partition(":")
    if kind == "cloudinary":
        return f"set CLOUDINARY_URL to the account of the cloud {cloud}" if cloud else "set CLOUDINARY_URL"
    return "run the Regen that knows it"
