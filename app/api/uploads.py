"""A plain way in for a photo, for scripts: `curl --data-binary @photo.jpg`, or a form with one file."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from cross_web import HTTPException
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.api.bodies import BARE_FILE, ONE_FILE, Intake, UploadRequest
from app.api.context import Context, who_asks
from app.api.ids import global_id
from app.api.incoming import Incoming
from app.api.pictures import TYPE_NAME
from app.api.refusals import refused, refused_for
from app.errors import AppError, bad_input
from app.pictures.model import Picture
from app.pictures.upload import Upload

UPLOADS_PATH = "/uploads"
_HOW = (
    "Send one file as the body, with its type: curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' "
    f"…{UPLOADS_PATH}; or as the field `file` of a form: curl -F file=@photo.jpg …{UPLOADS_PATH}"
)
_FORM, _PICTURE, _ANYTHING = "multipart/form-data", "image/", "application/octet-stream"


def upload_route(make_context: Callable[[Request], Context]) -> Route:
    """`POST /uploads`, one file, and `Authorization: Bearer TOKEN`: 201 with the stored picture.

    The file is the body, of a type `image/…` or `application/octet-stream`, or the field `file` of a form. What it is
    is seen by its bytes, whatever its type says.

    Its `id` is what a `PictureInput` takes. It is checked, cleaned and capped as a file of a GraphQL request is, and
    counts as a request; what is refused leaves nothing behind. A token is needed, and no cookie is looked at, so no
    page of another site can send one. The answer to a failure looks like GraphQL's: `{"errors": [{"message",
    "extensions": {"code"}}]}`.
    """

    async def receive(request: Request) -> Response:
        context = make_context(request)
        try:
            await context.authenticate(request.headers.get("authorization"))
            await context.edge.allowances.count_request(context.party)
            who = who_asks(context)  # before anything of the body is read
            async with _brought(request) as upload:
                picture = await context.services.pictures.accept(who.user_id, upload)
        except (HTTPException, StarletteHTTPException) as error:
            return refused(
                request, error.status_code, error.reason if isinstance(error, HTTPException) else error.detail
            )
        except OSError:  # the file goes to the disk
            return refused(request, 503, "The server's disk is full or not writable. Try again later.")
        except (AppError, PyMongoError) as error:
            return refused_for(request, error)
        except ClientDisconnect:
            return Response(status_code=400)  # that nobody reads
        return JSONResponse(_shown(context, picture), 201)

    return Route(UPLOADS_PATH, receive, methods=["POST"], name="uploads")


@asynccontextmanager
async def _brought(request: Request) -> AsyncGenerator[Upload]:
    """The file that is brought; nothing is left of it afterwards.

    Raises:
        AppError: BAD_USER_INPUT when it is another body.
        HTTPException: it is too large, or too slow.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _FORM:
        async with _of_form(request) as upload:
            yield upload
    elif media_type.startswith(_PICTURE) or media_type == _ANYTHING:
        async with _of_body(request) as upload:
            yield upload
    else:
        raise bad_input(_HOW, "file")


@asynccontextmanager
async def _of_form(request: Request) -> AsyncGenerator[Upload]:
    whole = UploadRequest(request.scope, Intake(request.scope, request.receive, ONE_FILE))
    async with whole.form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if not isinstance(file, Incoming):
            raise bad_input(_HOW, "file")
        yield await file.whole()


@asynccontextmanager
async def _of_body(request: Request) -> AsyncGenerator[Upload]:
    intake = Intake(request.scope, request.receive, BARE_FILE)
    with Incoming.opened() as file:
        async for piece in Request(request.scope, intake).stream():
            await file.write(piece)
        yield await file.whole()


def _shown(context: Context, picture: Picture) -> dict[str, Any]:
    place = context.services.pictures.url(picture, None)
    return {
        "id": global_id(TYPE_NAME, picture.identity),
        "width": picture.width,
        "height": picture.height,
        "bytes": picture.byte_size,
        "type": picture.media_type,
        "thumbhash": picture.thumbhash,
        "url": context.base_url + place if place.startswith("/") else place,
    }
