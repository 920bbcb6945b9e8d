"""Plain Strawberry, as its documentation sets it up: `python -m bench.peers.plain IMAGES`."""

import sys
from typing import Any

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL

from bench.peers.broker import Broker, publishing
from bench.peers.images import Event, read_images
from bench.peers.serving import serve
from bench.peers.slice import Image, query_of, subscription_of


def application(path: str) -> Starlette:
    """Serves the images of that file."""
    broker = Broker[Event]()

    async def publish(told: dict[str, Any]) -> None:
        await broker.publish(Event.of(told))

    schema = strawberry.Schema(query_of(read_images(path, Image)), subscription=subscription_of(broker))
    view = GraphQL[None, None](schema, graphql_ide=None)
    return Starlette(routes=[publishing(publish), Route("/graphql", view), WebSocketRoute("/graphql", view)])


if __name__ == "__main__":
    serve(application(sys.argv[1]))
