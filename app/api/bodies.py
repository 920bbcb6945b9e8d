"""How much a request may bring, and how long it may take to bring it."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast, override

from beanie import PydanticObjectId
from cross_web import HTTPException
from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from app.api.incoming import Incoming
from app.pictures.intake import MAX_BYTES

_JSON_MAX_BYTES = 1_000_000
_LARGE_BYTES = 25_000_000
_FILES = 16
_FIELDS = 16
"""`operations` and `map` are two of them."""
_ROUND_AN_ARCHIVE_BYTES = 1_000_000
_ARCHIVE = b"importLineage"
_OPERATION_BYTES = 64_000
_LARGE_AT_ONCE = 2
_MAX_VALUES = 5_000
TOO_MANY_VALUES = f"The variables hold too many values: at most {_MAX_VALUES:,}. Split the request."


@dataclass(frozen=True, slots=True)
class LargeUploads:
    """Requests of this process that bring more than a picture: two of a person's at a time, as each fills the disk."""

    _now: Counter[PydanticObjectId] = field(default_factory=Counter[PydanticObjectId])

    @contextmanager
    def beside(self, user_id: PydanticObjectId | None) -> Generator[Callable[[], None]]:
        """While entered, one request is answered; what is yielded says that it is a large one, and raises 429."""
        is_large = False

        def enter() -> None:
            nonlocal is_large
            if is_large or user_id is None:
                return
            if self._now[user_id] >= _LARGE_AT_ONCE:
                raise HTTPException(429, f"You send {_LARGE_AT_ONCE} large uploads already: wait until one has come.")
            self._now[user_id] += 1
            is_large = True

        try:
            yield enter
        finally:
            if is_large and user_id is not None:
                self._leave(user_id)

    def _leave(self, user_id: PydanticObjectId) -> None:
        self._now[user_id] -= 1
        if not self._now[user_id]:
            del self._now[user_id]


@dataclass(frozen=True, slots=True)
class Caps:
    """Bytes that an upload may bring as a whole, and in each of its files; `archive_max` instead if it is one.

    `is_file`: the body is a file, whatever its type. A client may pause for `pause_s`.
    """

    request_max: int = 100_000_000
    file_max: int = MAX_BYTES
    archive_max: int = 0
    is_file: bool = False
    pause_s: float = 15


ONE_FILE = Caps(request_max=_LARGE_BYTES)
"""Of who sends a single one, and of nobody, who has nothing to upload and is still answered."""
BARE_FILE = Caps(request_max=MAX_BYTES, is_file=True)
"""Of who sends nothing else."""


class Intake:
    """The messages of a request, until they are too many or too slow.

    An upload may be larger if its operation, which stands before the files, imports an archive. `enter_large` is called
    as soon as it is larger than one picture. The files go to the disk as they come.

    Raises:
        HTTPException: from a call; 413, or 408 after too long a pause, or what `enter_large` raises.
    """

    def __init__(
        self, scope: Scope, receive: Receive, caps: Caps, enter_large: Callable[[], None] = lambda: None
    ) -> None:
        headers = dict(scope["headers"])
        is_form = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
        self._is_upload, self._looks_for_archive = is_form or caps.is_file, is_form
        self._receive, self._caps, self._enter_large = receive, caps, enter_large
        self._head, self._come, self._whole = bytearray(), 0, False

    async def __call__(self) -> Message:
        """The next message."""
        if self._whole:  # what comes now is that the client goes, and that may take as long as it likes
            return await self._receive()
        try:
            async with asyncio.timeout(self._caps.pause_s):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, "The rest of the request did not come.") from error
        body = message.get("body", b"")
        self._come += len(body)
        self._whole = not message.get("more_body", False)
        if self._looks_for_archive and len(self._head) < _OPERATION_BYTES:
            self._head += body[:_OPERATION_BYTES]
        self._check()
        return message

    def check_file(self, size: int) -> None:
        """Refuse a file that has come to so many bytes, if it has too many.

        Raises:
            HTTPException: 413.
        """
        if size > max(self._archive_max, self._caps.file_max):
            self._refuse()

    @property
    def _archive_max(self) -> int:
        return self._caps.archive_max if _ARCHIVE in self._head else 0

    def _check(self) -> None:
        if not self._is_upload:
            if self._come > _JSON_MAX_BYTES:
                raise HTTPException(413, "The body has at most 1 MB.")
            return
        if self._come > max(self._archive_max and self._archive_max + _ROUND_AN_ARCHIVE_BYTES, self._caps.request_max):
            self._refuse()
        if self._come > _LARGE_BYTES:
            self._enter_large()

    def _refuse(self) -> NoReturn:
        if self._archive_max > self._caps.file_max:
            raise HTTPException(413, f"An archive has at most {self._archive_max // 1_000_000} MB.")
        file_mb, request_mb = self._caps.file_max // 1_000_000, self._caps.request_max // 1_000_000
        if self._caps.is_file:
            raise HTTPException(413, f"A file has at most {file_mb} MB.")
        raise HTTPException(413, f"A file has at most {file_mb} MB, all files together {request_mb} MB.")


class UploadRequest(Request):
    """A request whose files are counted while they are read: at most 16, each no larger than its intake allows.

    `form` may ask for fewer.
    """

    def __init__(self, scope: Scope, intake: Intake) -> None:
        super().__init__(scope, intake)
        self._intake = intake

    @override
    async def _get_form(self, *, max_files: float = _FILES, max_fields: float = _FIELDS, **_: Any) -> FormData:
        if self._form is None:
            most = min(max_files, _FILES), min(max_fields, _FIELDS)
            try:
                async with aclosing(self.stream()) as stream:
                    self._form = await _Parser(self.headers, stream, self._intake, *most).parse()
            except MultiPartException as error:
                raise HTTPException(400, error.message) from error
        return self._form


class _Parser(MultiPartParser):
    def __init__(
        self, headers: Headers, stream: AsyncGenerator[bytes], intake: Intake, files: float, fields: float
    ) -> None:
        super().__init__(headers, stream, max_files=files, max_fields=fields, max_part_size=_JSON_MAX_BYTES)
        self._intake = intake
        self._file_bytes = 0

    @override
    def on_part_begin(self) -> None:
        self._file_bytes = 0
        super().on_part_begin()

    @override
    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        file = self._current_part.file
        if file is not None:
            self._current_part.file = Incoming(file.file, file.filename, file.headers)

    @override
    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._file_bytes += end - start
        self._intake.check_file(self._file_bytes)
        super().on_part_data(data, start, end)


def too_many_values(variables: Any) -> bool:
    """Whether there are more values in the variables than any operation needs; looking at each costs time."""
    if not variables:
        return False
    waiting, seen = [variables], 0
    while waiting:
        inside = _inside(waiting.pop())
        seen += len(inside)
        if seen > _MAX_VALUES:
            return True
        waiting += [one for one in inside if type(one) is dict or type(one) is list]
    return False


def _inside(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType] - JSON's lists hold anything
