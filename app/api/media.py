"""Pictures on the local disk, served to whoever holds a signed link."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app.errors import AppError, ErrorCode
from app.pictures.disk import MEDIA_PATH, DiskStore
from app.pictures.keys import ending_of, is_key

_TYPES: Mapping[str, str] = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


def media_route(store: DiskStore) -> Route:
    """`GET /media/{key}?w=&e=&s=`: 403 for a wrong signature, 410 for an expired link, 404 for a lost picture.

    Answers conditional and range requests.
    """

    async def serve(request: Request) -> Response:
        key: str = request.path_params["key"]
        query = request.query_params
        try:
            width, expires = int(query.get("w", "")), int(query.get("e", ""))
        except ValueError:
            width, expires = -1, 0
        remaining_s = store.links.remaining_s(MEDIA_PATH + key, width, expires, query.get("s", ""))
        if remaining_s is None or not is_key(key):
            return refusal(
                request, 403, ErrorCode.FORBIDDEN, "This link is not signed by this server: ask for `url` again."
            )
        if remaining_s == 0:
            return refusal(request, 410, ErrorCode.FORBIDDEN, "This link has expired: ask for `url` again.")
        try:
            file = await store.file(key, width)
        except AppError as error:
            return refusal(request, 503, error.code, error.message)
        if file is None:
            return refusal(request, 404, ErrorCode.SOURCE_IMAGE_MISSING, "This picture is gone.")
        ending = "webp" if width else ending_of(key)
        headers = {
            "etag": f'"{key.partition("/")[2].partition(".")[0][:32]}-{width}"',
            "cache-control": f"private, max-age={remaining_s}, immutable",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'",
            "cross-origin-resource-policy": "cross-origin",
        }
        known = request.headers.get("if-none-match", "")
        if known.strip() == "*" or headers["etag"] in known:
            return Response(status_code=304, headers=headers)
        return FileResponse(file, media_type=_TYPES[ending], headers=headers)

    return Route(MEDIA_PATH + "{key:path}", serve, methods=["GET", "HEAD"], name="media")


def refusal(request: Request, status: int, code: ErrorCode, message: str) -> Response:
    """An answer without a file, as GraphQL's errors look."""
    extensions = {"code": code, "requestId": request.scope.get("request_id")}
    body = {"errors": [{"message": message, "extensions": extensions}]}
    return JSONResponse(body, status, headers={"cache-control": "no-store"})
