"""The limit: the same answers written by hand on Starlette and orjson: `python -m bench.peers.written IMAGES`.

It reads the request's JSON and its variables; it knows no GraphQL.
"""

import sys
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bench.peers.broker import publishing
from bench.peers.images import Event, Image, read_images
from bench.peers.serving import serve


def answer_of(images: list[Image]) -> bytes:
    """The body of the answer."""
    return orjson.dumps({"data": {"gallery": [_shown(image) for image in images]}})


def _shown(image: Image) -> dict[str, Any]:
    parent = image.parent
    return {
        "id": image.id,
        "kind": image.kind,
        "prompt": image.prompt,
        "createdAt": image.created_at,
        "favourite": image.favourite,
        "width": image.width,
        "height": image.height,
        "url": image.url,
        "parent": {"id": parent.id, "prompt": parent.prompt} if parent else None,
        "children": [{"id": child.id, "prompt": child.prompt} for child in image.children],
    }


def message_of(event: Event) -> str:
    """The whole message to a subscriber whose operation's id is "1"."""
    shown = {
        "generationId": event.generation_id,
        "sequence": event.sequence,
        "type": event.type,
        "at": event.at,
        "attempt": event.attempt,
        "status": event.status,
        "stage": event.stage,
        "percent": event.percent,
        "message": event.message,
    }
    payload = {"data": {"generationProgress": shown}}
    return orjson.dumps({"id": "1", "type": "next", "payload": payload}).decode()


async def _subscribe(socket: WebSocket, sockets: set[WebSocket]) -> None:
    """Answer the messages of graphql-transport-ws until the socket is closed."""
    while True:
        message = orjson.loads(await socket.receive_text())
        if message["type"] == "connection_init":
            await socket.send_text('{"type":"connection_ack"}')
        elif message["type"] == "subscribe":
            sockets.add(socket)


def application(path: str) -> Starlette:
    """Serves the images of that file."""
    images = read_images(path, Image)
    sockets = set[WebSocket]()

    async def gallery(request: Request) -> Response:
        variables = orjson.loads(await request.body())["variables"]
        return Response(answer_of(images[: variables["first"]]), media_type="application/json")

    async def progress(socket: WebSocket) -> None:
        await socket.accept(subprotocol="graphql-transport-ws")
        try:
            await _subscribe(socket, sockets)
        except WebSocketDisconnect:
            pass
        finally:
            sockets.discard(socket)

    async def publish(told: dict[str, Any]) -> None:
        text = message_of(Event.of(told))
        for socket in tuple(sockets):
            await socket.send_text(text)

    routes = [Route("/graphql", gallery, methods=["POST"]), WebSocketRoute("/graphql", progress), publishing(publish)]
    return Starlette(routes=routes)


if __name__ == "__main__":
    serve(application(sys.argv[1]), settled=True)
