"""Reading requests for pictures: JSON to generate, multipart to edit."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from app.simulator.answer import RefusedError
from app.simulator.bodies import fingerprint, json_of
from app.simulator.openai.faults import bad_request
from app.simulator.openai.images import PictureAsked
from app.simulator.openai.request import key_of
from app.simulator.pictures import MEDIA_TYPES

_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")
_SIDE_MAX_PX = 3840
_DEFAULT_SIZE = (1024, 1024)
_COUNT_MAX, _PARTIALS_MAX, _FILES_MAX, _FILE_MAX_BYTES = 10, 3, 16, 50 * 1024 * 1024
_PROMPT_MAX_CHARACTERS = 32_000
_QUALITIES = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_FILE_FIELDS = ("image", "image[]")
_ACCEPTED = frozenset(MEDIA_TYPES.values())


async def read_generation(request: Request) -> PictureAsked:
    """POST /v1/images/generations.

    Raises:
        RefusedError: something is missing or wrong.
    """
    key = key_of(request)
    return await json_of(request, lambda body: _asked(key, "image_generation", body), bad_request)


async def read_edit(request: Request) -> PictureAsked:
    """POST /v1/images/edits.

    Raises:
        RefusedError: something is missing or wrong.
    """
    key = key_of(request)
    async with request.form(max_files=_FILES_MAX + 1) as form:
        references = await _references(form)
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        return _asked(key, "image_edit", fields, references)
    except KeyError as error:
        raise RefusedError(bad_request(f"Missing required parameter: '{error.args[0]}'.")) from None
    except (TypeError, ValueError) as error:
        raise RefusedError(bad_request(str(error))) from None


async def _references(form: FormData) -> tuple[str, ...]:
    files = [value for name in _FILE_FIELDS for value in form.getlist(name) if isinstance(value, UploadFile)]
    if not files:
        raise RefusedError(bad_request("Missing required parameter: 'image'.", "missing_required_parameter", "image"))
    if len(files) > _FILES_MAX:
        raise RefusedError(bad_request(f"Too many images: at most {_FILES_MAX}."))
    return tuple([await _reference(file) for file in files])


async def _reference(file: UploadFile) -> str:
    if file.content_type not in _ACCEPTED:
        message = f"Invalid file 'image': unsupported mimetype ('{file.content_type}')."
        raise RefusedError(bad_request(message, "unsupported_file_mimetype", "image"))
    data = await file.read(_FILE_MAX_BYTES)
    return await asyncio.to_thread(fingerprint, data)


def _asked(key: str, kind: str, fields: Mapping[str, Any], references: tuple[str, ...] = ()) -> PictureAsked:
    """Of JSON or of a form's text fields.

    Raises:
        KeyError: a field is missing.
        ValueError: one is wrong; the message is for the client.
    """
    prompt, output_format = str(fields["prompt"]), fields.get("output_format") or "png"
    if not prompt or len(prompt) > _PROMPT_MAX_CHARACTERS:
        message = f"Invalid 'prompt': a text of 1 to {_PROMPT_MAX_CHARACTERS} characters is expected."
        raise ValueError(message)
    if output_format not in MEDIA_TYPES:
        message = f"Invalid value: '{output_format}'. Supported values are: 'png', 'webp', and 'jpeg'."
        raise ValueError(message)
    width, height = _size(fields.get("size") or "auto")
    stream = fields.get("stream") in {True, "true"}
    background = fields.get("background") or "auto"
    return PictureAsked(
        key=key,
        model=str(fields["model"]),
        prompt=prompt,
        references=references,
        kind=kind,
        width=width,
        height=height,
        format=output_format,
        count=_number(fields, "n", 1, 1, _COUNT_MAX),
        quality=_QUALITIES.get(fields.get("quality") or "", "medium"),
        background=background if background != "auto" else "opaque",
        partials=_number(fields, "partial_images", 0, 0, _PARTIALS_MAX) if stream else 0,
        stream=stream,
    )


def _size(text: str) -> tuple[int, int]:
    if text == "auto":
        return _DEFAULT_SIZE
    found = _SIZE.fullmatch(text)
    if found is None or not all(1 <= int(side) <= _SIDE_MAX_PX for side in found.groups()):
        message = f"Invalid size: '{text}'. WIDTHxHEIGHT is expected, each at most {_SIDE_MAX_PX}."
        raise ValueError(message)
    return int(found[1]), int(found[2])


def _number(fields: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    number = int(fields.get(name) or default)
    if not least <= number <= most:
        message = f"Invalid '{name}': {least} to {most} is expected."
        raise ValueError(message)
    return number
