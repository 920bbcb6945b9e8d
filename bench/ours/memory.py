"""The slice from memory on Regen's own engine and view: `python -m bench.ours.memory IMAGES`.

Its schema is of Regen's class, with the extensions and the execution of Regen's own schema. Around the view stands
what every request of Regen's goes through first, its id; the rest of the edge (hosts, headers of security, counted
requests) is measured with the whole server.
"""

import sys
import tempfile
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Route

from app.accounts.sessions import Client
from app.api.context import Context
from app.api.documents import TrustedDocuments
from app.api.edge import Edge
from app.api.requests import RequestIds
from app.api.schema import schema as regens
from app.api.schema import show_result
from app.api.served_schema import RegenSchema
from app.api.streams import Streams
from app.api.view import GraphQLView
from app.bootstrap.parts import Parts, assemble
from app.logs import configure_logs
from app.serving import server_config
from app.settings import load_settings
from bench.ours.serving import serve
from bench.peers.images import read_images
from bench.peers.slice import Image, query_of


def slice_schema(path: str) -> RegenSchema:
    """The slice over the images of that file, run as Regen's schema is."""
    return RegenSchema(
        query_of(read_images(path, Image)),
        config=regens.config,
        extensions=regens.extensions,
        execution_context_class=regens.execution_context_class,  # pyright: ignore[reportUnknownMemberType] - Strawberry's own type is partial
    )


def application(path: str, parts: Parts) -> RequestIds:
    """Serves the images of that file."""
    edge = Edge()

    def make_context(request: HTTPConnection) -> Context:
        return Context(
            services=parts.services,
            request_id=request.scope["request_id"],
            base_url="",
            show_result=show_result,
            client=Client(None, None),
            edge=edge,
        )

    view = GraphQLView(make_context, None, (), 1, Streams(), TrustedDocuments(), slice_schema(path))
    return RequestIds(Starlette(routes=[Route("/graphql", view)]))


def main() -> None:
    """Serve on a free port of 127.0.0.1."""
    configure_logs(as_json=False, level="WARNING")
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"data_dir": Path(folder)})
        serve(server_config(settings, application(sys.argv[1], assemble(settings))))


if __name__ == "__main__":
    main()
