"""What is read together with a list, so that its objects need not ask for it one by one."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from beanie import PydanticObjectId
from pydantic import BaseModel

from app.api.lineage import spot_of
from app.api.selections import Selected
from app.database.together import at_once
from app.generations.model import Generation
from app.lineage.counts import BY_PARENT_MAX, numbers_below
from app.lineage.discardable import chunks
from app.lineage.version import Version
from app.pictures.model import Picture

type Known[T] = Mapping[PydanticObjectId, T | None]
"""By id; null for what is gone. What is not in it was not looked for."""

NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
_SOURCES: Final = frozenset(
    {"uploadedPicture", "ornamentPictures", "modelPicture", "posePicture", "themePictures", "backgroundPicture"}
)
"""The fields of an image that show what it was made from."""


@dataclass(frozen=True, slots=True)
class AtHand[V]:
    """Shared by the objects of a list and by those reached from them; of `versions` all is read that any is asked."""

    versions: Known[V] = NOTHING
    pictures: Known[Picture] = NOTHING
    generations: Known[Generation] = NOTHING
    child_counts: Mapping[PydanticObjectId, int] = NOTHING


_OF_PICTURES: Final = ("width", "height", "byteSize", "mediaType", "thumbhash", "store", "key", "version")
NOTHING_AT_HAND: Final = AtHand[Any]()


@dataclass(frozen=True, slots=True)
class Keys:
    """Where what a type shows lies in its document: under the field's own name, unless `elsewhere` says others.

    A dot leads to a part of what lies under a key.
    """

    own: Collection[str]
    elsewhere: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, model: type[BaseModel], **elsewhere: str) -> "Keys":
        """Those of a document; of a field that lies elsewhere the keys, with spaces between them."""
        own = frozenset(field.alias or name for name, field in model.model_fields.items())
        return cls(own, {name: tuple(keys.split()) for name, keys in elsewhere.items()})

    def asked(self, names: Iterable[str]) -> set[str]:
        """Those that fields of these names need; the names of other types' fields need none."""
        found = {key for name in names for key in self.elsewhere.get(name, (name,))}
        whole = found.intersection(self.own)
        return whole | {key for key in found - whole if _holder(key) in self.own and _holder(key) not in whole}

    def of_page(self, asked: Selected) -> set[str]:
        """The same for a page of a list, whose children are counted `beside` it, by their ids alone."""
        return self.asked(asked.names_below.union(name for name in asked if name != "childCount"))


def _holder(key: str) -> str:
    return key.partition(".")[0]


async def shown_pictures(ids: Sequence[PydanticObjectId]) -> Mapping[PydanticObjectId, Picture]:
    """Pictures by id, with what is shown of them and no more."""
    return await Picture.rows_by_ids(ids, _OF_PICTURES)


async def looked_up[T](
    read: Callable[[Sequence[PydanticObjectId]], Awaitable[Mapping[PydanticObjectId, T]]],
    ids: Iterable[PydanticObjectId],
) -> Known[T]:
    """All of those; a command for each 400."""
    wanted, known = dict.fromkeys(ids), dict[PydanticObjectId, T | None]()
    for some in chunks(wanted):
        known |= await read(some)
    for gone in wanted if len(known) < len(wanted) else ():
        known.setdefault(gone)
    return known


async def beside[V: Version](
    product: type[V], images: Sequence[V], asked: Selected, keys: Keys, near: Known[V] = NOTHING
) -> AtHand[V]:
    """What is asked of these images and lies elsewhere, one command of each kind; they themselves are among it.

    `near` are others that were read before. Of parents is read what is asked below any field: by one of them they are
    reached, and not only by `parent`.
    """
    keys_above = keys.asked(asked.names_below)

    async def read_above(ids: Sequence[PydanticObjectId]) -> Mapping[PydanticObjectId, V]:
        return await product.rows_by_ids(ids, keys_above)

    these = {image.identity: image for image in images}
    own: Known[V] = {**near, **these}
    above = _above(images, asked, own)
    pictures, generations = _pictures(images, asked), _generations(images, asked)
    read = await at_once(
        looked_up(read_above, above) if above else None,
        looked_up(shown_pictures, pictures) if pictures else None,
        looked_up(Generation.rows_by_ids, generations) if generations else None,
        _child_counts(product, these) if images and "childCount" in asked else None,
    )
    parents: Known[V] = read[0] or NOTHING
    found = AtHand[V]({**own, **parents}, read[1] or NOTHING, read[2] or NOTHING, read[3] or NOTHING)
    return await _with_pictures(found, [one for one in parents.values() if one], asked.below("parent"))


async def _child_counts[V: Version](
    product: type[V], images: Mapping[PydanticObjectId, V]
) -> Mapping[PydanticObjectId, int]:
    few = len(images) <= BY_PARENT_MAX
    read = product.number_of_children([*images]) if few else numbers_below(product, [*map(spot_of, images.values())])
    return {**dict.fromkeys(images, 0), **await read}


async def _with_pictures[V: Version](found: AtHand[V], parents: Sequence[V], asked: Selected) -> AtHand[V]:
    """With those of the parents that were read, a level below the images."""
    wanted = _pictures(parents, asked) - found.pictures.keys()
    if not wanted:
        return found
    return replace(found, pictures={**found.pictures, **await looked_up(shown_pictures, wanted)})


def _above(images: Iterable[Version], asked: Selected, known: Known[Any]) -> set[PydanticObjectId]:
    """The parents that are not known."""
    if "parent" not in asked:
        return set()
    parents = (image.parent_id for image in images)
    return {one for one in parents if one is not None and one not in known}


def _generations(images: Iterable[Version], asked: Selected) -> set[PydanticObjectId]:
    return {image.generation_id for image in images if image.generation_id} if "generation" in asked else set()


def _pictures(images: Iterable[Version], asked: Selected) -> set[PydanticObjectId]:
    if not _SOURCES.isdisjoint(asked):
        return {picture_id for image in images for picture_id in image.picture_ids}
    return {image.picture_id for image in images} if "picture" in asked else set()
