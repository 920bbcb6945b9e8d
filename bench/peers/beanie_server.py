"""A gallery from the database as the tutorials write it: Strawberry, Beanie, DataLoader.

`python -m bench.peers.beanie_server`, with Regen's own settings in the environment.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, override

import strawberry
from beanie import Document, PydanticObjectId, init_beanie  # pyright: ignore[reportUnknownVariableType] - a parameter of it is untyped
from pydantic import BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel
from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

from bench.peers.images import ImageKind
from bench.peers.owners import MONGODB_URL, global_id, link_of, owner_of
from bench.peers.serving import serve


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _alias(name: str) -> str:
    return {"id": "_id", "revision_id": "revision_id"}.get(name) or to_camel(name)


class Stored(Document):
    """A document whose keys are camelCase in the database."""

    model_config = ConfigDict(alias_generator=_alias, populate_by_name=True)


class StoredUser(Stored):
    """Somebody with an account."""

    email_key: str
    name: str

    class Settings:
        """Where they are kept."""

        name = "users"


class StoredPicture(Stored):
    """A stored picture."""

    key: str
    width: int
    height: int

    class Settings:
        """Where they are kept."""

        name = "pictures"


class StoredImage(Stored):
    """A version of an image."""

    owner_id: PydanticObjectId
    kind: ImageKind
    created_at: Annotated[datetime, BeforeValidator(_aware)]
    combined_prompt: str
    favourite: bool
    parent_id: PydanticObjectId | None
    picture_id: PydanticObjectId
    trashed_at: datetime | None = None

    class Settings:
        """Where they are kept."""

        name = "ornament_images"


type Ids = list[PydanticObjectId]


async def _images(ids: Ids) -> list[StoredImage | None]:
    found = {image.id: image for image in await StoredImage.find({"_id": {"$in": ids}}).to_list()}
    return [found.get(one) for one in ids]


async def _pictures(ids: Ids) -> list[StoredPicture | None]:
    found = {picture.id: picture for picture in await StoredPicture.find({"_id": {"$in": ids}}).to_list()}
    return [found.get(one) for one in ids]


async def _numbers_of_children(ids: Ids) -> list[int]:
    steps = [{"$match": {"parentId": {"$in": ids}}}, {"$group": {"_id": "$parentId", "number": {"$sum": 1}}}]
    groups: list[dict[str, Any]] = await StoredImage.aggregate(steps).to_list()  # pyright: ignore[reportUnknownMemberType] - the same
    found = defaultdict[PydanticObjectId, int](int, {group["_id"]: group["number"] for group in groups})
    return [found[one] for one in ids]


strawberry.enum(ImageKind)


@dataclass(slots=True)
class Context:
    """Of one request."""

    user: StoredUser | None
    images: DataLoader[PydanticObjectId, StoredImage | None]
    pictures: DataLoader[PydanticObjectId, StoredPicture | None]
    children: DataLoader[PydanticObjectId, int]


type Info = strawberry.Info[Context, None]


@strawberry.type
class Picture:
    """A stored picture."""

    id: strawberry.ID
    url: str
    width: int
    height: int


@strawberry.type
class OrnamentImage:
    """A version of an image."""

    id: strawberry.ID
    kind: ImageKind
    created_at: datetime
    combined_prompt: str
    favourite: bool
    document: strawberry.Private[StoredImage]

    @strawberry.field
    async def parent(self, info: Info) -> "OrnamentImage | None":
        """What it was made from."""
        if self.document.parent_id is None:
            return None
        found = await info.context.images.load(self.document.parent_id)
        return _shown(found) if found else None

    @strawberry.field
    async def picture(self, info: Info) -> Picture | None:
        """What it shows."""
        found = await info.context.pictures.load(self.document.picture_id)
        if found is None:
            return None
        identity = strawberry.ID(global_id("Picture", _id(found)))
        return Picture(id=identity, url=link_of(found.key), width=found.width, height=found.height)

    @strawberry.field
    async def child_count(self, info: Info) -> int:
        """How many were made from it."""
        return await info.context.children.load(_id(self.document))


def _id(document: Stored) -> PydanticObjectId:
    assert document.id is not None
    return document.id


def _shown(image: StoredImage) -> OrnamentImage:
    return OrnamentImage(
        id=strawberry.ID(global_id("OrnamentImage", _id(image))),
        kind=image.kind,
        created_at=image.created_at,
        combined_prompt=image.combined_prompt,
        favourite=image.favourite,
        document=image,
    )


@strawberry.type
class PageInfo:
    """Whether there are more."""

    has_next_page: bool


@strawberry.type
class Connection:
    """A page."""

    nodes: list[OrnamentImage]
    page_info: PageInfo


@strawberry.type
class Viewer:
    """Who asks."""

    document: strawberry.Private[StoredUser]

    @strawberry.field
    async def ornament_images(self, first: int) -> Connection:
        """The newest ones."""
        mine = {"ownerId": self.document.id, "trashedAt": None}
        found = await StoredImage.find(mine).sort("-_id").limit(first + 1).to_list()
        shown = [_shown(image) for image in found[:first]]
        return Connection(nodes=shown, page_info=PageInfo(has_next_page=len(found) > first))


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    async def viewer(self, info: Info) -> Viewer | None:
        """Who asks."""
        return Viewer(document=info.context.user) if info.context.user else None


class View(GraphQL[Context, None]):
    """Reads the access token of each request."""

    @override
    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        user = await StoredUser.get(owner_of(request.headers.get("authorization")))
        return Context(
            user, DataLoader(load_fn=_images), DataLoader(load_fn=_pictures), DataLoader(load_fn=_numbers_of_children)
        )


@asynccontextmanager
async def _connected(_: Starlette) -> AsyncGenerator[None]:
    client = AsyncMongoClient[dict[str, Any]](MONGODB_URL)
    database = client.get_default_database("regen")
    await init_beanie(database=database, document_models=[StoredUser, StoredPicture, StoredImage])
    yield
    await client.close()


def application() -> Starlette:
    """Serves what the database holds."""
    view = View(strawberry.Schema(Query), graphql_ide=None)
    return Starlette(routes=[Route("/graphql", view)], lifespan=_connected)


if __name__ == "__main__":
    serve(application())
