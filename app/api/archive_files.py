"""Archives, served to whoever holds a signed link."""

import asyncio

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from app.api.media import refusal
from app.archives.names import ARCHIVES_PATH, ArchivePath
from app.archives.service import Archives
from app.errors import ErrorCode


def archive_route(archives: Archives) -> Route:
    """`GET /archives/{path}?w=0&e=&s=`: 403 for a wrong signature, 410 for an expired link, 404 for a lost archive.

    Answers conditional and range requests.
    """

    async def serve(request: Request) -> Response:
        path, query = request.path_params["path"], request.query_params
        try:
            expires = int(query.get("e", ""))
        except ValueError:
            expires = 0
        remaining_s = archives.remaining_s(path, expires, query.get("s", ""))
        named = ArchivePath.parse(path)
        if remaining_s is None or named is None:
            message = "This link is not signed by this server: ask for `url` again."
            return refusal(request, 403, ErrorCode.FORBIDDEN, message)
        if remaining_s == 0:
            return refusal(request, 410, ErrorCode.FORBIDDEN, "This link has expired: ask for `url` again.")
        file = archives.files.place(named.owner_id, named.archive_id)
        if not await asyncio.to_thread(file.exists):
            return refusal(request, 404, ErrorCode.NOT_FOUND, "This archive is gone: make another.")
        headers = {
            "etag": f'"{named.archive_id}"',
            "cache-control": f"private, max-age={remaining_s}, immutable",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'",
            "cross-origin-resource-policy": "cross-origin",
        }
        known = request.headers.get("if-none-match", "")
        if known.strip() == "*" or headers["etag"] in known:
            return Response(status_code=304, headers=headers)
        return FileResponse(file, headers=headers, media_type="application/zip", filename=named.file_name)

    return Route(ARCHIVES_PATH + "{path:path}", serve, methods=["GET", "HEAD"], name="archives")
