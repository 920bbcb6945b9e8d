"""The whole server over a database: a gallery with authentication, and two processes against one."""

import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from beanie import PydanticObjectId

from app.accounts.model import User
from app.accounts.tokens import TokenSigner
from app.api.ids import global_id
from app.bootstrap.database import DOCUMENTS
from app.database.connection import connect
from app.database.document import utc_now
from app.database.servers import embedded
from app.ornaments.model import OrnamentImage
from app.pictures.disk import MEDIA_PATH
from app.pictures.links import MediaLinks
from app.pictures.model import Picture
from bench.comparing.answers import OtherAnswerError
from bench.comparing.catalogue import BEANIE, BY_HAND, COMMANDS, OURS, SERVE
from bench.comparing.process import Client, Server, free_port, running
from bench.comparing.rounds import Cost, Plan, Request, checked, cost_together, costs, median_of
from tests.contract.conftest import running_redis
from tests.ornaments.images import image_of, picture_of

_IMAGES, _SHOWN, _CHILDREN = 80, 20, 3
_JWT_SECRET, _LINK_KEY = "a secret of the benchmark alone, of 64 characters: " + "s" * 14, "k" * 64
_PUBLIC_URL = "http://127.0.0.1"
_NO_LIMIT = str(10**12)
_GALLERY = """query Gallery($first: Int!) {
  viewer {
    ornamentImages(first: $first) {
      nodes {
        id kind createdAt combinedPrompt favourite childCount
        parent { id combinedPrompt }
        picture { id url width height }
      }
      pageInfo { hasNextPage }
    }
  }
}"""
_WITHOUT_DATABASE = """query Fields {
  __type(name: "OrnamentImage") {
    name description
    fields { name description type { name kind ofType { name kind } } args { name description defaultValue } }
  }
}"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A database with one person's images, and who asks for them."""

    url: str
    token: str
    nodes: Sequence[dict[str, Any]]

    @property
    def gallery(self) -> Request:
        """The first page of the gallery."""
        return Request(_GALLERY, {"first": _SHOWN}, self.token, slow=True)

    @property
    def fields(self) -> Request:
        """What asks no database: a type's fields, as explorers ask for them."""
        return Request(_WITHOUT_DATABASE, {}, self.token)

    def settings(self, data_dir: Path, **more: str) -> dict[str, str]:
        """Of a server in production that counts requests and never refuses one."""
        return {
            "APP_ENV": "production",
            "DATA_DIR": str(data_dir),
            "PORT": str(free_port()),
            "MONGODB_URL": self.url,
            "JWT_SECRET": _JWT_SECRET,
            "MEDIA_URL_KEY": _LINK_KEY,
            "ALLOWED_HOSTS": "127.0.0.1",
            "PUBLIC_URL": _PUBLIC_URL,
            "REQUESTS_PER_MINUTE": _NO_LIMIT,
            "COST_PER_MINUTE": _NO_LIMIT,
            "LOG_LEVEL": "WARNING",
            "SWEEP_EVERY_S": "60",
            **more,
        }

    def page(self) -> dict[str, Any]:
        """The answer to `gallery` that is right now: links change every hour."""
        links = MediaLinks(_LINK_KEY.encode())
        nodes = [
            node
            | {
                "picture": node["picture"]
                | {"url": _PUBLIC_URL + links.sign(MEDIA_PATH + node["picture"]["url"], None)}
            }
            for node in self.nodes
        ]
        return {"data": {"viewer": {"ornamentImages": {"nodes": nodes, "pageInfo": {"hasNextPage": True}}}}}


@asynccontextmanager
async def stored(folder: Path) -> AsyncGenerator[Stored]:
    """While entered, the embedded database runs as a process of its own, with the images."""
    (folder / "database").mkdir()
    server = embedded(folder / "database")
    await server.start()
    try:
        connection = await connect(server.url, DOCUMENTS)
        user = User(email="ada@example.com", email_key="ada@example.com", name="Ada", created_at=utc_now())
        await user.insert()
        nodes = await _images_of(user.identity)
        await connection.close()
        signer = TokenSigner(_JWT_SECRET.encode(), lifetime=timedelta(hours=12))
        token, _ = signer.issue(user.identity, PydanticObjectId())
        yield Stored(server.url, token, nodes)
    finally:
        await server.stop()


async def _images_of(owner_id: PydanticObjectId) -> list[dict[str, Any]]:
    """Store them, each with three children as far as there are that many; the newest as clients see them."""
    pictures = [picture_of(owner_id) for _ in range(_IMAGES)]
    made = list[OrnamentImage]()
    for number, picture in enumerate(pictures):
        parent = made[(_IMAGES - number) // _CHILDREN] if number > _IMAGES // 2 else None
        made.append(image_of(owner_id, f"Make it shine, number {number}", parent, picture_id=picture.identity))
    await Picture.insert_many(pictures)
    await OrnamentImage.insert_many(made)
    by_id = {image.identity: image for image in made}
    newest = list(zip(made, pictures, strict=True))[: -_SHOWN - 1 : -1]
    return [_node(image, picture, by_id) for image, picture in newest]


def _node(image: OrnamentImage, picture: Picture, by_id: Mapping[PydanticObjectId, OrnamentImage]) -> dict[str, Any]:
    """As the gallery shows it; its picture's `url` is the key."""
    parent = by_id[image.parent_id] if image.parent_id else None
    return {
        "id": global_id("OrnamentImage", image.identity),
        "kind": image.kind.value,
        "createdAt": image.created_at.isoformat(),
        "combinedPrompt": image.combined_prompt,
        "favourite": image.favourite,
        "childCount": sum(one.parent_id == image.identity for one in by_id.values()),
        "parent": parent
        and {"id": global_id("OrnamentImage", parent.identity), "combinedPrompt": parent.combined_prompt},
        "picture": {
            "id": global_id("Picture", picture.identity),
            "url": picture.key,
            "width": picture.width,
            "height": picture.height,
        },
    }


async def from_database(data: Stored, folder: Path, client: Client, plan: Plan) -> dict[str, Cost]:
    """What a page of the gallery costs each server, with authentication; the database's own CPU is left out."""
    async with AsyncExitStack() as stack:
        commands = {OURS: SERVE, BEANIE: COMMANDS[BEANIE], BY_HAND: COMMANDS[BY_HAND]}
        servers = [
            await stack.enter_async_context(running(name, command, folder, data.settings(folder / "whole")))
            for name, command in commands.items()
        ]
        try:
            await checked(servers, data.gallery, data.page())
        except OtherAnswerError:  # the hour may have ended in between
            await checked(servers, data.gallery, data.page())
        return await costs(servers, data.gallery, client, plan)


@dataclass(frozen=True, slots=True)
class Scaling:
    """One process against two on the same database and Redis, by what was asked."""

    one: Cost
    two: Cost

    @property
    def answers(self) -> float:
        """How many times as many answers a second."""
        return self.two.a_second / self.one.a_second

    @property
    def by_cpu(self) -> float:
        """The same, if there were as many cores as processes: twice, less what a request costs more."""
        return 2 * self.one.cpu_us / self.two.cpu_us


async def two_against_one(data: Stored, folder: Path, client: Client, plan: Plan) -> dict[str, Scaling] | None:
    """Measured round by round, with half of the connections on each of the two; null without a `redis-server`."""
    if shutil.which("redis-server") is None:
        return None
    with running_redis(folder) as redis:
        async with AsyncExitStack() as stack:
            servers = list[Server]()
            for name in ("first", "second"):
                settings = data.settings(folder / name, REDIS_URL=redis.url)
                servers.append(await stack.enter_async_context(running(f"Regen-{name}", SERVE, folder, settings)))
            await checked(servers, data.gallery, data.page())
            requests = {"a request without database": data.fields, "gallery(20) from the database": data.gallery}
            return {name: await _scaling(servers, request, client, plan) for name, request in requests.items()}


async def _scaling(servers: Sequence[Server], request: Request, client: Client, plan: Plan) -> Scaling:
    one, two = list[Cost](), list[Cost]()
    await cost_together(servers, request, client, plan.warm_s)
    for _ in range(plan.rounds):
        one.append(await cost_together(servers[:1], request, client, plan.turn_s))
        two.append(await cost_together(servers, request, client, plan.turn_s))
    return Scaling(median_of(one), median_of(two))
