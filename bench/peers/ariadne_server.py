"""Ariadne, schema first, as its documentation sets it up: `python -m bench.peers.ariadne_server IMAGES`."""

import sys
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from bench.peers.images import Image, read_images
from bench.peers.serving import serve

# Installed for the bench alone, in a folder of its own: here it has no types.
_ariadne: Any = import_module("ariadne")
_asgi: Any = import_module("ariadne.asgi")
_SCHEMA = Path(__file__).parent / "schema.graphql"


def application(path: str) -> Starlette:
    """Serves the images of that file."""
    images = read_images(path, Image)

    async def gallery(_root: object, _info: object, first: int) -> list[Image]:
        return images[:first]

    def show(moment: datetime) -> str:
        return moment.isoformat()

    query = _ariadne.QueryType()
    query.set_field("gallery", gallery)
    moments = _ariadne.ScalarType("DateTime", serializer=show)
    text = _SCHEMA.read_text(encoding="utf-8")
    schema = _ariadne.make_executable_schema(text, query, moments, convert_names_case=True)
    view = _asgi.GraphQL(schema, introspection=False)
    return Starlette(routes=[Route("/graphql", view, methods=["POST"])])


if __name__ == "__main__":
    serve(application(sys.argv[1]))
