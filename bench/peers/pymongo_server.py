"""The limit: the same gallery written by hand on Starlette, PyMongo and orjson: four commands, only what is shown.

`python -m bench.peers.pymongo_server`, with Regen's own settings in the environment.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import orjson
from bson import ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.peers.owners import MONGODB_URL, global_id, link_of, owner_of
from bench.peers.serving import serve

type Row = dict[str, Any]
type Rows = dict[ObjectId, Row]

_SHOWN = dict.fromkeys(("kind", "createdAt", "combinedPrompt", "favourite", "parentId", "pictureId"), 1)


async def page(database: AsyncDatabase[Row], owner_id: ObjectId, first: int) -> Row:
    """The data of the answer."""
    images = database["ornament_images"]
    mine = {"ownerId": owner_id, "trashedAt": None}
    found = await images.find(mine, _SHOWN).sort("_id", -1).limit(first + 1).to_list()
    shown = found[:first]
    ids = [image["_id"] for image in shown]
    parent_ids = [image["parentId"] for image in shown if image["parentId"]]
    picture_ids = [image["pictureId"] for image in shown]
    steps: list[Row] = [{"$match": {"parentId": {"$in": ids}}}, {"$group": {"_id": "$parentId", "number": {"$sum": 1}}}]

    async def children() -> list[Row]:
        return await (await images.aggregate(steps)).to_list()

    parents, pictures, counts = await asyncio.gather(
        images.find({"_id": {"$in": parent_ids}}, {"combinedPrompt": 1}).to_list(),
        database["pictures"].find({"_id": {"$in": picture_ids}}, {"key": 1, "width": 1, "height": 1}).to_list(),
        children(),
    )
    by_id: Rows = {row["_id"]: row for row in (*parents, *pictures)}
    numbers = {row["_id"]: row["number"] for row in counts}
    nodes = [_shown(image, by_id, numbers) for image in shown]
    return {"viewer": {"ornamentImages": {"nodes": nodes, "pageInfo": {"hasNextPage": len(found) > first}}}}


def _shown(image: Row, by_id: Rows, numbers: dict[ObjectId, int]) -> Row:
    parent, picture = by_id.get(image["parentId"]), by_id.get(image["pictureId"])
    return {
        "id": global_id("OrnamentImage", image["_id"]),
        "kind": image["kind"],
        "createdAt": image["createdAt"].replace(tzinfo=UTC),
        "combinedPrompt": image["combinedPrompt"],
        "favourite": image["favourite"],
        "childCount": numbers.get(image["_id"], 0),
        "parent": parent
        and {"id": global_id("OrnamentImage", parent["_id"]), "combinedPrompt": parent["combinedPrompt"]},
        "picture": picture
        and {
            "id": global_id("Picture", picture["_id"]),
            "url": link_of(picture["key"]),
            "width": picture["width"],
            "height": picture["height"],
        },
    }


def application() -> Starlette:
    """Serves what the database holds."""
    opened = list[AsyncDatabase[Row]]()

    @asynccontextmanager
    async def connected(_: Starlette) -> AsyncGenerator[None]:
        client = AsyncMongoClient[Row](MONGODB_URL)
        opened.append(client.get_default_database("regen"))
        yield
        await client.close()

    async def gallery(request: Request) -> Response:
        try:
            owner_id = owner_of(request.headers.get("authorization"))
        except PermissionError as error:
            return Response(orjson.dumps({"errors": [{"message": str(error)}]}), 401, media_type="application/json")
        variables = orjson.loads(await request.body())["variables"]
        data = await page(opened[-1], owner_id, variables["first"])
        return Response(orjson.dumps({"data": data}), media_type="application/json")

    return Starlette(routes=[Route("/graphql", gallery, methods=["POST"])], lifespan=connected)


if __name__ == "__main__":
    serve(application(), settled=True)
