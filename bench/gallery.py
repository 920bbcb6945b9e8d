"""What pages of the gallery and looks into trees cost: milliseconds of CPU and database commands a request.

One person has 100 images, one 1,000 and one 3,000, each in a single tree, all in one embedded database in a process of
its own. Requests go through the whole application but its socket. The commands are to be as many whatever the number
of images.
"""

from collections.abc import Mapping
from types import MappingProxyType

from app.accounts.sessions import Client
from app.api.ids import global_id
from app.bootstrap.parts import Parts
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture
from bench.engine_parts.pages import Bench, Person
from tests.ornaments.images import image_of, picture_of

_SIZES = (100, 1_000, 3_000)
_CHILDREN = 3
_AT_ONCE = 100
_WISHES = ("Make it shine", "Add gold accents", "Make it brighter")
_ROW = "id kind createdAt combinedPrompt favourite picture { url(width: 320) thumbhash } parent { id } childCount"


_PAGE = f"nodes {{ {_ROW} }} pageInfo {{ hasNextPage endCursor }}"


def _gallery(arguments: str, shown: str = _PAGE) -> str:
    return f"{{ viewer {{ ornamentImages({arguments}) {{ {shown} }} }} }}"


def _look(shown: str) -> str:
    return f"query ($root: ID!) {{ node(id: $root) {{ ... on OrnamentImage {{ {shown} }} }} }}"


_NUMBERED = f"{{ viewer {{ ornamentImagesPage {{ images {{ {_ROW} }} pagination {{ total pages }} }} }} }}"
_REQUESTS: Mapping[str, str] = MappingProxyType(
    {
        "gallery: 20 of all": _gallery("first: 20"),
        "gallery: 20 of all, and how many they are": _gallery("first: 20", f"totalCount {_PAGE}"),
        "gallery: 20 of a kind": _gallery("first: 20, kind: WHITE_BACKGROUND"),
        "gallery: 20 with two words": _gallery('first: 20, search: "gold shine"'),
        "gallery: numbered page of 20": _NUMBERED,
        "tree: 20 versions": _look(f"tree(first: 20) {{ {_PAGE} }}"),
        "tree: up to 1,000 versions": _look("tree(first: 1000) { nodes { id parent { id } } } descendantCount"),
    }
)


async def _joined(parts: Parts, images: int) -> Person:
    """A new person with so many images, each with its picture; every version has three children."""
    email = f"{images}@example.com"
    signed_in = await parts.services.accounts.sign_up(email, "a quiet sea at night", "Ada", Client(None, None))
    owner_id = signed_in.user.identity
    made = list[OrnamentImage]()
    pictures = [picture_of(owner_id) for _ in range(images)]
    for number, picture in enumerate(pictures):
        parent = made[(number - 1) // _CHILDREN] if number else None
        made.append(image_of(owner_id, _WISHES[number % len(_WISHES)], parent, picture_id=picture.identity))
    for start in range(0, images, _AT_ONCE):
        await Picture.insert_many(pictures[start : start + _AT_ONCE])
        await OrnamentImage.insert_many(made[start : start + _AT_ONCE])
    root_id = global_id("OrnamentImage", made[0].identity)
    return Person(images, {"root": root_id}, {"Authorization": f"Bearer {signed_in.access_token}"})


def main() -> None:
    """Print the table."""
    Bench("images", _SIZES, _REQUESTS, _joined).run()


if __name__ == "__main__":
    main()
