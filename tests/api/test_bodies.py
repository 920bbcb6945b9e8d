"""How much a request may bring: an archive more than a picture, and nothing else as much."""

from collections.abc import Callable
from typing import Any

import pytest
from beanie import PydanticObjectId
from cross_web import HTTPException

from app.api.bodies import LargeUploads, capped

_MB = 1_000_000
_UPLOAD = {"headers": [(b"content-type", b"multipart/form-data; boundary=x")]}
_JSON = {"headers": [(b"content-type", b"application/json")]}
_IMPORT = b'--x\r\nname="operations"\r\n\r\n{"query": "mutation { importLineage(input: {}) { errors { code } } }"}'
_PICTURE = _IMPORT.replace(b"importLineage", b"uploadOrnament")


async def _brought(
    scope: Any,
    head: bytes,
    megabytes: int,
    archive_max: int = 100 * _MB,
    enter_large: Callable[[], None] = lambda: None,
) -> int:
    """How many bytes came through of a body that begins so."""
    chunks = iter([head[:50], head[50:], *[b"0" * _MB] * megabytes])

    async def receive() -> Any:
        body = next(chunks, None)
        return {"type": "http.request", "body": body or b"", "more_body": body is not None}

    limited, come = capped(scope, receive, archive_max, enter_large), 0
    while (message := await limited())["more_body"]:
        come += len(message["body"])
    return come


async def test_archive_may_be_larger_than_a_picture() -> None:
    assert await _brought(_UPLOAD, _IMPORT, 99) > 99 * _MB
    with pytest.raises(HTTPException, match="An archive has at most 100 MB") as refused:
        await _brought(_UPLOAD, _IMPORT, 102)
    assert refused.value.status_code == 413


async def test_no_other_upload_may() -> None:
    assert await _brought(_UPLOAD, _PICTURE, 24) > 24 * _MB
    with pytest.raises(HTTPException, match="at most 20 MB"):
        await _brought(_UPLOAD, _PICTURE, 26)
    with pytest.raises(HTTPException, match="at most 1 MB"):
        await _brought(_JSON, _IMPORT, 2)


async def test_who_is_not_logged_in_may_not() -> None:
    with pytest.raises(HTTPException, match="at most 20 MB"):
        await _brought(_UPLOAD, _IMPORT, 26, archive_max=0)


async def test_word_far_behind_the_operation_changes_nothing() -> None:
    with pytest.raises(HTTPException, match="at most 20 MB"):
        await _brought(_UPLOAD, _PICTURE + b"0" * 100_000 + b"importLineage", 26)


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
