"""Reading what Cloudinary's clients send to its API."""

import base64
import binascii
from dataclasses import dataclass, field

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from app.simulator.answer import RefusedError
from app.simulator.bodies import fingerprint, picture_of_data_url
from app.simulator.call import Asked
from app.simulator.cloudinary.account import API_SECRET
from app.simulator.cloudinary.faults import bad_request, error

_FILE_MAX_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FormAsked(Asked):
    """A signed request: its text fields, the file that came with it, and the address it came to."""

    cloud: str
    base_url: str
    fields: dict[str, str]
    file: bytes = field(default=b"", repr=False)


async def read_upload(request: Request) -> FormAsked:
    """POST /v1_1/{cloud}/image/upload.

    Raises:
        RefusedError: something is missing or wrong.
    """
    async with request.form(max_part_size=_FILE_MAX_BYTES) as form:
        file = form.get("file")
        try:
            data = await file.read(_FILE_MAX_BYTES) if isinstance(file, UploadFile) else _of_text(file)
        except ValueError as problem:
            raise RefusedError(bad_request(str(problem))) from None
        return _asked(request, form, data)


async def read_destroy(request: Request) -> FormAsked:
    """POST /v1_1/{cloud}/image/destroy.

    Raises:
        RefusedError: something is missing or wrong.
    """
    async with request.form() as form:
        return _asked(request, form)


async def read_ping(request: Request) -> Asked:
    """GET /v1_1/{cloud}/ping.

    Raises:
        RefusedError: the key or its secret is wrong.
    """
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    try:
        key, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        key, secret = "", ""
    if scheme.lower() != "basic" or secret != API_SECRET:
        raise RefusedError(error(401, "api_secret mismatch"))
    return Asked(key=key)


def _of_text(file: str | None) -> bytes:
    if not file:
        message = "Missing required parameter - file"
        raise ValueError(message)
    return picture_of_data_url(file)[0]


def _asked(request: Request, form: FormData, data: bytes = b"") -> FormAsked:
    names = dict.fromkeys(form.keys())
    fields = {name.removesuffix("[]"): ",".join(map(str, form.getlist(name))) for name in names if name != "file"}
    return FormAsked(
        key=fields.get("api_key", ""),
        subject=fields.get("public_id"),
        references=(fingerprint(data),) if data else (),
        cloud=request.path_params["cloud"],
        base_url=str(request.base_url).rstrip("/"),
        fields=fields,
        file=data,
    )
