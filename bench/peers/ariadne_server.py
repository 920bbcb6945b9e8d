"""Ariadne, schema first, as its documentation sets it up: `python -m bench.peers.ariadne_server IMAGES`."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from ariadne import QueryType, ScalarType, make_executable_schema  # pyright: ignore[reportMissingImports, reportUnknownVariableType] - it is installed for the bench alone
from ariadne.asgi import GraphQL  # pyright: ignore[reportMissingImports, reportUnknownVariableType] - the same
from starlette.applications import Starlette
from starlette.routing import Route

from bench.peers.images import Image, read_images
from bench.peers.serving import serve

_SCHEMA = Path(__file__).parent / "schema.graphql"


def application(path: str) -> Starlette:
    """Serves the images of that file."""
    images = read_images(path, Image)

    async def gallery(_root: object, _info: object, first: int) -> list[Image]:
        return images[:first]

    def show(moment: datetime) -> str:
        return moment.isoformat()

    query: Any = QueryType()
    query.set_field("gallery", gallery)
    moments: Any = ScalarType("DateTime", serializer=show)
    schema: Any = make_executable_schema(_SCHEMA.read_text(encoding="utf-8"), query, moments, convert_names_case=True)
    view: Any = GraphQL(schema, introspection=False)
    return Starlette(routes=[Route("/graphql", view, methods=["POST"])])


if __name__ == "__main__":
    serve(application(sys.argv[1]))
