"""The gallery: the viewer's ornament images by filters, in pages of two kinds."""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from beanie import PydanticObjectId

from app.api.connections import (
    DEFAULT_PAGE,
    LARGEST_PAGE,
    After,
    Before,
    CountedConnection,
    First,
    Last,
    Listing,
    Page,
)
from app.api.context import Info
from app.api.enums import ImageOrder, OrnamentKind
from app.api.ornaments import OrnamentImage, keys_of, listed
from app.api.selections import Selected, selected
from app.database.keyset import Stretch
from app.database.together import at_once
from app.errors import bad_input
from app.labels import SEARCH_MAX_CHARACTERS, SEARCH_MAX_WORDS, as_tag, as_words
from app.moments import as_moment
from app.ornaments import gallery
from app.ornaments.gallery import Wanted

_Kind = Annotated[OrnamentKind | None, strawberry.argument(description="Only those of this kind.")]
_Favourite = Annotated[bool | None, strawberry.argument(description="True: only favourites; false: only the others.")]
_Tag = Annotated[str | None, strawberry.argument(description="Only those with this tag, in upper or lower case.")]
_CreatedAfter = Annotated[
    datetime | None, strawberry.argument(description="Only those asked for later than this moment.")
]
_CreatedBefore = Annotated[
    datetime | None, strawberry.argument(description="Only those asked for earlier than this moment.")
]
_Search = Annotated[
    str | None,
    strawberry.argument(
        description="Only those in whose combined prompt or name each of these words occurs, in upper or lower case, "
        f"also within a longer word. At most {SEARCH_MAX_WORDS} words of {SEARCH_MAX_CHARACTERS} characters together."
    ),
]
_RootsOnly = Annotated[
    bool, strawberry.argument(description="Only first versions, which were made from no other image.")
]
_Trashed = Annotated[bool, strawberry.argument(description="True: only those in the trash; false: only the others.")]
_OrderBy = Annotated[ImageOrder, strawberry.argument(description="Cursors of one order are not good for the other.")]
_PageNumber = Annotated[int, strawberry.argument(description="Which one, from 1.")]
_COUNTED = frozenset({"total", "pages"})
_SKIPPED_MAX = 2**31 - 1
"""Nobody has more."""
_Limit = Annotated[int, strawberry.argument(description=f"How many a page holds, 1 to {LARGEST_PAGE}.")]


@strawberry.type(description="A page of a gallery.")
class OrnamentGalleryConnection(CountedConnection[OrnamentImage]):
    """In the order that was asked for."""


@strawberry.type(description="Where a numbered page stands.")
class Pagination:
    """Numbers shift when images come and go; a connection's cursors don't."""

    page: int = strawberry.field(description="The number of this page; the first one is 1.")
    limit: int = strawberry.field(description="How many a page holds.")
    total: int = strawberry.field(description="How many images there are on all pages.")
    pages: int = strawberry.field(description="How many pages there are; 0 without any image.")


@strawberry.type(description="A numbered page of a gallery.")
class OrnamentImagesPage:
    """As older clients expect it."""

    images: list[OrnamentImage] = strawberry.field(description="Newest first; empty beyond the last page.")
    pagination: Pagination = strawberry.field(description="Where this page stands.")


@strawberry.type
class OrnamentGallery:
    """Fields of the viewer."""

    owner_id: strawberry.Private[PydanticObjectId]

    @strawberry.field
    async def ornament_images(  # noqa: PLR0913 - the arguments of the schema
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        kind: _Kind = None,
        favourite: _Favourite = None,
        tag: _Tag = None,
        created_after: _CreatedAfter = None,
        created_before: _CreatedBefore = None,
        search: _Search = None,
        roots_only: _RootsOnly = False,
        trashed: _Trashed = False,
        order_by: _OrderBy = ImageOrder.NEWEST,
    ) -> OrnamentGalleryConnection:
        """The viewer's ornament images, newest first unless it is said.

        Cursors stay good while images come and go, and whatever the filters. An image has the place of its asking: one
        that was asked for earlier and ended later comes among those that are there already, also before a cursor that
        has passed that place. `viewerEvents` tells when it is there.
        """
        owner_id, asked = self.owner_id, selected(info).nodes
        page = Page(Listing("ornamentImages", owner_id, order_by is ImageOrder.NEWEST), first, after, last, before)
        check_times(created_after, created_before)
        wanted = Wanted(
            kind=kind,
            favourite=favourite,
            tag=None if tag is None else as_tag(tag, "tag"),
            created_after=created_after,
            created_before=created_before,
            words=as_words(search or "", "search"),
            roots_only=roots_only,
            trashed=trashed,
        )
        found = await gallery.images(owner_id, wanted, page.stretch, keys=keys_of(asked))
        shown = [(image.document.identity, image) for image in await listed(found, asked)]
        return OrnamentGalleryConnection.of(shown, page, partial(gallery.count, owner_id, wanted))

    @strawberry.field
    async def ornament_images_page(
        self, info: Info, page: _PageNumber = 1, limit: _Limit = DEFAULT_PAGE, kind: _Kind = None
    ) -> OrnamentImagesPage:
        """The viewer's ornament images, newest first, in numbered pages; those in the trash are left out.

        An image has the place of its asking, whenever it ended: `viewerEvents` tells when it is there.
        `ornamentImages` is the better way: its pages don't shift while images come and go.
        """
        if page < 1:
            raise bad_input(f"`page` is from 1, not {page}.", "page")
        if not 1 <= limit <= LARGEST_PAGE:
            raise bad_input(f"`limit` is from 1 to {LARGEST_PAGE}, not {limit}.", "limit")
        return await _numbered(selected(info), self.owner_id, Wanted(kind=kind), page, limit)


async def _numbered(
    asked: Selected, owner_id: PydanticObjectId, wanted: Wanted, page: int, limit: int
) -> OrnamentImagesPage:
    """The images and how many there are; what is not asked for is not read."""
    of_images, skipped = asked.below("images"), (page - 1) * limit
    is_read = "images" in asked and skipped <= _SKIPPED_MAX
    total, found = await at_once(
        gallery.count(owner_id, wanted) if not _COUNTED.isdisjoint(asked.below("pagination")) else None,
        gallery.images(owner_id, wanted, Stretch(limit), skipped, keys_of(of_images)) if is_read else None,
    )
    pagination = Pagination(page=page, limit=limit, total=total or 0, pages=-(-(total or 0) // limit))
    return OrnamentImagesPage(images=await listed(found or [], of_images), pagination=pagination)


def check_times(created_after: datetime | None, created_before: datetime | None, *path: str) -> None:
    """Refuse what is no moment that an image can have, and what no moment is between; `path` leads to the two."""
    for argument, moment in (("createdAfter", created_after), ("createdBefore", created_before)):
        if moment is not None:
            as_moment(moment, *path, argument)
    if created_after and created_before and created_after >= created_before:
        message = "Nothing can be later than `createdAfter` and earlier than `createdBefore`."
        raise bad_input(message, *path, "createdBefore")
