"""The stand-in as one ASGI application; it needs connections that can be broken, see `connection`."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.simulator.cloudinary.deliveries import Deliveries, read_delivery
from app.simulator.cloudinary.requests import read_destroy, read_ping, read_upload
from app.simulator.cloudinary.shelf import Shelf
from app.simulator.cloudinary.uploads import Uploads, answer_ping
from app.simulator.control import Control
from app.simulator.desk import Desk
from app.simulator.endpoint import Endpoint
from app.simulator.gemini.content import Contents
from app.simulator.gemini.models import answer_models as answer_gemini_models
from app.simulator.gemini.requests import read_content
from app.simulator.gemini.requests import read_models as read_gemini_models
from app.simulator.openai.images import Images
from app.simulator.openai.models import answer_models as answer_openai_models
from app.simulator.openai.models import read_models as read_openai_models
from app.simulator.openai.picture_requests import read_edit, read_generation
from app.simulator.openai.responses import answer_response
from app.simulator.openai.text_requests import read_response
from app.simulator.pictures import Pictures
from app.simulator.scenario import Operation

_GEMINI_VERSIONS = ("v1", "v1beta")


def make_app(desk: Desk) -> ASGIApp:
    """The providers at their own paths, and the control endpoint."""
    pictures = Pictures()
    return Starlette(
        routes=[
            Route("/", _say_what_it_is),
            *Control(desk).routes(),
            *_openai_routes(desk, pictures),
            *_gemini_routes(desk, pictures),
            *_cloudinary_routes(desk),
        ]
    )


async def _say_what_it_is(_: Request) -> Response:
    return PlainTextResponse("Simulated providers. GET /control/seen shows what came.\n")


def _openai_routes(desk: Desk, pictures: Pictures) -> list[Route]:
    images = Images(pictures)
    endpoints: dict[str, ASGIApp] = {
        "/images/generations": Endpoint(desk, Operation.OPENAI_GENERATE, read_generation, images.answer),
        "/images/edits": Endpoint(desk, Operation.OPENAI_EDIT, read_edit, images.answer),
        "/responses": Endpoint(desk, Operation.OPENAI_RESPONSE, read_response, answer_response),
    }
    posts = [
        Route(prefix + path, endpoint, methods=["POST"])
        for prefix in ("/v1", "")
        for path, endpoint in endpoints.items()
    ]
    models = _openai_models(desk)
    return [*posts, Route("/models", models, methods=["GET"]), Route("/models/{model}", models, methods=["GET"])]


def _gemini_routes(desk: Desk, pictures: Pictures) -> list[Route]:
    content = Endpoint(desk, Operation.GEMINI_GENERATE, read_content, Contents(pictures).answer)
    models = Endpoint(desk, Operation.GEMINI_MODELS, read_gemini_models, answer_gemini_models)
    either = _Either(models, _openai_models(desk))
    routes: list[Route] = []
    for version in _GEMINI_VERSIONS:
        listing = either if version == "v1" else models
        routes += [
            Route(f"/{version}/models/{{model}}:generateContent", content, methods=["POST"]),
            Route(f"/{version}/models", listing, methods=["GET"]),
            Route(f"/{version}/models/{{model}}", listing, methods=["GET"]),
        ]
    return routes


def _cloudinary_routes(desk: Desk) -> list[Route]:
    shelf = Shelf()
    uploads = Uploads(shelf)
    api = "/v1_1/{cloud}"
    upload = Endpoint(desk, Operation.CLOUDINARY_UPLOAD, read_upload, uploads.upload)
    destroy = Endpoint(desk, Operation.CLOUDINARY_DESTROY, read_destroy, uploads.destroy)
    ping = Endpoint(desk, Operation.CLOUDINARY_PING, read_ping, answer_ping)
    delivery = Endpoint(desk, Operation.CLOUDINARY_DELIVERY, read_delivery, Deliveries(shelf).answer)
    return [
        Route(f"{api}/image/upload", upload, methods=["POST"]),
        Route(f"{api}/image/destroy", destroy, methods=["POST"]),
        Route(f"{api}/ping", ping, methods=["GET"]),
        Route("/{cloud}/image/{kind}/{rest:path}", delivery, methods=["GET"]),
    ]


def _openai_models(desk: Desk) -> ASGIApp:
    return Endpoint(desk, Operation.OPENAI_MODELS, read_openai_models, answer_openai_models)


class _Either:
    """GET /v1/models is both Google's and OpenAI's: the key's place tells them apart."""

    def __init__(self, google: ASGIApp, openai: ASGIApp) -> None:
        self.google, self.openai = google, openai

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        request = Request(scope)
        is_google = "x-goog-api-key" in request.headers or "key" in request.query_params
        await (self.google if is_google else self.openai)(scope, receive, send)
