"""How much a request may bring: an archive more than a picture, and nothing else as much."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from beanie import PydanticObjectId
from cross_web import HTTPException
from starlette.datastructures import UploadFile

from app.api.bodies import BARE_FILE, ONE_FILE, Caps, Intake, LargeUploads, UploadRequest

_MB = 1_000_000
_CAPS = Caps(request_max=50 * _MB, archive_max=100 * _MB)
_UPLOAD = {"headers": [(b"content-type", b"multipart/form-data; boundary=x")]}
_JSON = {"headers": [(b"content-type", b"application/json")]}
_IMPORT = b'--x\r\nname="operations"\r\n\r\n{"query": "mutation { importLineage(input: {}) { errors { code } } }"}'
_PICTURE = _IMPORT.replace(b"importLineage", b"uploadOrnament")


async def _brought(
    scope: Any,
    head: bytes,
    megabytes: int,
    caps: Caps = _CAPS,
    enter_large: Callable[[], None] = lambda: None,
) -> int:
    """How many bytes came through of a body that begins so."""
    chunks = iter([head[:50], head[50:], *[b"0" * _MB] * megabytes])

    async def receive() -> Any:
        body = next(chunks, None)
        return {"type": "http.request", "body": body or b"", "more_body": body is not None}

    limited, come = Intake(scope, receive, caps, enter_large), 0
    while (message := await limited())["more_body"]:
        come += len(message["body"])
    return come


async def test_archive_may_be_larger_than_a_picture() -> None:
    assert await _brought(_UPLOAD, _IMPORT, 99) > 99 * _MB
    with pytest.raises(HTTPException, match="An archive has at most 100 MB") as refused:
        await _brought(_UPLOAD, _IMPORT, 102)
    assert refused.value.status_code == 413


async def test_no_other_upload_may() -> None:
    assert await _brought(_UPLOAD, _PICTURE, 49) > 49 * _MB
    with pytest.raises(HTTPException, match="all files together 50 MB") as refused:
        await _brought(_UPLOAD, _PICTURE, 52)
    assert refused.value.status_code == 413
    with pytest.raises(HTTPException, match="at most 1 MB"):
        await _brought(_JSON, _IMPORT, 2)


async def test_who_is_not_logged_in_may_not() -> None:
    with pytest.raises(HTTPException, match="all files together 25 MB"):
        await _brought(_UPLOAD, _IMPORT, 26, ONE_FILE)


async def test_word_far_behind_the_operation_changes_nothing() -> None:
    with pytest.raises(HTTPException, match="all files together 50 MB"):
        await _brought(_UPLOAD, _PICTURE + b"0" * 100_000 + b"importLineage", 52)


async def _files_of(operation: str, sizes_mb: Sequence[float], caps: Caps = _CAPS) -> list[int]:
    """The sizes of the files that come through of a multipart request; how much was read is bounded by the limits."""
    boundary = b"\r\n--x\r\ncontent-disposition: form-data; name="
    pieces = [boundary + b'"operations"\r\n\r\n' + operation.encode()]
    for number, size in enumerate(sizes_mb):
        pieces.append(boundary + f'"{number}"; filename="a"\r\n\r\n'.encode())
        pieces += [b"0" * (_MB // 10)] * round(10 * size)
    chunks = iter([*pieces, b"\r\n--x--\r\n"])

    async def receive() -> Any:
        body = next(chunks, None)
        return {"type": "http.request", "body": body or b"", "more_body": body is not None}

    scope = {"type": "http", "method": "POST", **_UPLOAD}
    async with UploadRequest(scope, Intake(scope, receive, caps, lambda: None)).form() as form:
        return [file.size or 0 for _, file in form.multi_items() if isinstance(file, UploadFile)]


async def test_each_file_has_its_own_limit_and_is_refused_while_it_comes() -> None:
    assert await _files_of("uploadOrnament", [20, 0.1]) == [20 * _MB, _MB // 10]
    with pytest.raises(HTTPException, match="A file has at most 20 MB") as refused:
        await _files_of("uploadOrnament", [0.1, 21])
    assert refused.value.status_code == 413


async def test_sixteen_files_come_and_no_more() -> None:
    assert len(await _files_of("uploadOrnament", [0.1] * 16)) == 16
    with pytest.raises(HTTPException, match="Maximum number of files is 16"):
        await _files_of("uploadOrnament", [0.1] * 17)


async def test_archive_is_one_large_file() -> None:
    assert await _files_of("importLineage", [60]) == [60 * _MB]
    with pytest.raises(HTTPException, match="An archive has at most 100 MB"):
        await _files_of("importLineage", [100.1])


async def test_bare_file_has_the_limit_of_a_file() -> None:
    scope = {"headers": [(b"content-type", b"image/jpeg")]}
    assert await _brought(scope, _PICTURE, 20, BARE_FILE) > 20 * _MB
    with pytest.raises(HTTPException, match="A file has at most 20 MB") as refused:
        await _brought(scope, _IMPORT, 21, BARE_FILE)
    assert refused.value.status_code == 413


@pytest.mark.parametrize("scope", [_UPLOAD, _JSON])
async def test_who_pauses_for_too_long_is_refused(scope: Any) -> None:
    async def receive() -> Any:
        await asyncio.Event().wait()

    with pytest.raises(HTTPException, match="did not come") as refused:
        await Intake(scope, receive, Caps(pause_s=0.01))()
    assert refused.value.status_code == 408


async def test_two_large_uploads_of_a_person_come_at_once_and_no_third() -> None:
    uploads, ada, eve = LargeUploads(), PydanticObjectId(), PydanticObjectId()
    with uploads.beside(ada) as first:
        await _brought(_UPLOAD, _IMPORT, 30, enter_large=first)
        with uploads.beside(ada) as second, uploads.beside(ada) as third, uploads.beside(eve) as other:
            await _brought(_UPLOAD, _IMPORT, 30, enter_large=second)
            with pytest.raises(HTTPException, match="wait until one has come") as refused:
                await _brought(_UPLOAD, _IMPORT, 30, enter_large=third)
            assert refused.value.status_code == 429
            assert await _brought(_UPLOAD, _IMPORT, 20, enter_large=third) > 20 * _MB
            assert await _brought(_UPLOAD, _IMPORT, 30, enter_large=other) > 30 * _MB
        with uploads.beside(ada) as next_one:
            assert await _brought(_UPLOAD, _IMPORT, 30, enter_large=next_one) > 30 * _MB
