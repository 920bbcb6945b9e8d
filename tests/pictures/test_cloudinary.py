"""The Cloudinary store against a stand-in of its wire format: what it sends, and what it makes of every answer."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.errors import AppError, ErrorCode
from app.pictures.cloudinary.account import Account, public_id
from app.pictures.cloudinary.faults import wait_of
from app.pictures.cloudinary.store import CloudinaryStore
from tests.pictures.cloudinary_standin import CLOUD, KEY, SECRET, Standin, error, serve

_CAR = (Path(__file__).parent.parent / "photos" / "car-1.jpg").read_bytes()
_KEY = f"{'a' * 24}/{hashlib.sha256(_CAR).hexdigest()}-{'c' * 24}.jpg"

type NewStore = Callable[..., CloudinaryStore]


@pytest.fixture(scope="module")
def server() -> Generator[Standin]:
    with serve() as standin:
        yield standin


@pytest.fixture
def standin(server: Standin) -> Standin:
    """With nothing kept and nothing seen."""
    server.clear()
    return server


@pytest.fixture
async def new_store(standin: Standin) -> AsyncIterator[NewStore]:
    """Make a store of an account; other addresses and deadlines by name."""
    async with AsyncExitStack() as stack:

        def make(account: str | None = None, deadline_s: float = 10, **addresses: str) -> CloudinaryStore:
            urls = {"api_url": standin.url, "delivery_url": standin.url, **addresses}
            store = CloudinaryStore(Account.parse(account or standin.account, **urls), deadline_s)
            stack.push_async_callback(store.close)
            return store

        yield make


@pytest.fixture
def store(new_store: NewStore) -> CloudinaryStore:
    return new_store()


async def _failure(store: CloudinaryStore, operation: str = "put") -> AppError:
    calls = {
        "put": lambda: store.put(_KEY, _CAR, "image/jpeg"),
        "open": lambda: store.open(_KEY),
        "delete": lambda: store.delete(_KEY),
        "ping": store.ping,
    }
    with pytest.raises(AppError) as failed:
        await calls[operation]()
    return failed.value


async def test_upload_is_authenticated_and_overwrites_nothing(store: CloudinaryStore, standin: Standin) -> None:
    version = await store.put(_KEY, _CAR, "image/jpeg")
    (fields,) = standin.fields
    assert (fields["type"], fields["overwrite"], fields["public_id"]) == ("authenticated", "0", public_id(_KEY))
    assert version == str(standin.assets[public_id(_KEY)].version)
    assert f"/v{version}/" in store.url(_KEY, None, version)


async def test_deletion_takes_the_copies_of_the_network_along(store: CloudinaryStore, standin: Standin) -> None:
    await store.delete(_KEY)
    assert (standin.fields[0]["invalidate"], standin.fields[0]["type"]) == ("1", "authenticated")


async def test_calls_one_after_the_other_share_a_connection(store: CloudinaryStore, standin: Standin) -> None:
    await store.put(_KEY, _CAR, "image/jpeg")
    await store.open(_KEY)
    await store.ping()
    await store.delete(_KEY)
    assert len(standin.ports) == 1


@pytest.mark.parametrize("operation", ["put", "open", "delete", "ping"])
async def test_wrong_secret_names_the_setting_and_nothing_secret(new_store: NewStore, operation: str) -> None:
    store = new_store(f"cloudinary://{KEY}:another-secret@{CLOUD}")
    refused = await _failure(store, operation)
    assert (refused.code, refused.retryable) == (ErrorCode.PROVIDER_REJECTED_KEY, False)
    assert "CLOUDINARY_URL" in refused.message
    assert "another-secret" not in f"{refused.message} {store!r} {store.account}"


@pytest.mark.parametrize("operation", ["put", "open", "delete", "ping"])
@pytest.mark.parametrize("status", [420, 429])
async def test_limit_says_when_to_come_back(
    store: CloudinaryStore, standin: Standin, operation: str, status: int
) -> None:
    standin.answers.append(error(status, "Rate Limit Exceeded", retry_after="17"))
    limited = await _failure(store, operation)
    assert (limited.code, limited.retryable, limited.retry_after_s) == (ErrorCode.UNAVAILABLE, True, 17)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "5"}, 5),
        ({"x-featureratelimit-reset": "Mon, 23 Nov 2026 07:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 23 Nov 2026 06:00:00 GMT"}, 0),
    ],
)
def test_wait_is_read_in_seconds_or_as_a_date(headers: dict[str, str], wait_s: float | None) -> None:
    assert wait_of(headers, datetime(2026, 11, 23, 7, 0, 0, tzinfo=UTC)) == wait_s


async def test_picture_that_is_not_taken_says_why_without_secrets(store: CloudinaryStore, standin: Standin) -> None:
    said = f"File size too large.\n Got 20971521. See https://example.test/plans?key={KEY} {SECRET} " + "x" * 1_000
    standin.answers.append(error(400, said))
    refused = await _failure(store)
    assert (refused.code, refused.retryable) == (ErrorCode.BAD_USER_INPUT, False)
    assert "File size too large. Got 20971521. See https://example.test/plans" in refused.message
    assert KEY not in refused.message
    assert SECRET not in refused.message
    assert len(refused.message) < 400


async def test_wrong_clock_is_not_the_pictures_fault(store: CloudinaryStore, standin: Standin) -> None:
    standin.answers.append(error(400, "Stale request - reported time is 2026-01-01 which is more than 1 hour ago"))
    refused = await _failure(store)
    assert (refused.code, "clock" in refused.message) == (ErrorCode.UNAVAILABLE, True)


@pytest.mark.parametrize(
    "answer",
    [
        error(500, "General Error"),
        Response(b"<html>Bad gateway of host secret.internal</html>", 502),
        Response(b"", 504),
        Response(b'{"public_id": "x", "ver', 200),
        JSONResponse([], 200),
        JSONResponse({"public_id": "x"}, 200),
        JSONResponse({"public_id": 3, "version": "none", "bytes": []}, 200),
        Response(b"{" + b" " * (2 << 20) + b"}", 200),
    ],
    ids=["500", "502", "504", "cut", "list", "no-version", "odd", "huge"],
)
async def test_upload_that_nobody_confirms_may_have_been_kept(
    store: CloudinaryStore, standin: Standin, answer: Response
) -> None:
    standin.answers.append(answer)
    lost = await _failure(store)
    assert (lost.code, lost.retryable) == (ErrorCode.TIMEOUT, True)
    assert "secret.internal" not in lost.message


async def test_upload_that_was_kept_before_the_answer_failed_is_found_by_the_next(
    store: CloudinaryStore, standin: Standin
) -> None:
    standin.late.append(error(502, "Bad gateway"))
    assert (await _failure(store)).code is ErrorCode.TIMEOUT
    version = await store.put(_KEY, _CAR, "image/jpeg")
    assert version == str(standin.assets[public_id(_KEY)].version)
    assert await store.open(_KEY, version) == _CAR


@pytest.mark.parametrize("status", [404, 409])
async def test_other_refusal_of_an_upload_means_that_nothing_was_kept(
    store: CloudinaryStore, standin: Standin, status: int
) -> None:
    standin.answers.append(error(status, "What?"))
    assert (await _failure(store)).code is ErrorCode.UNAVAILABLE


@pytest.mark.parametrize("operation", ["put", "open", "delete", "ping"])
async def test_no_connection_means_that_nothing_was_kept(new_store: NewStore, operation: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
    unreachable = await _failure(new_store(api_url=closed, delivery_url=closed), operation)
    assert (unreachable.code, unreachable.retryable) == (ErrorCode.UNAVAILABLE, True)


@pytest.mark.parametrize(
    ("operation", "code"),
    [("put", ErrorCode.TIMEOUT), ("delete", ErrorCode.TIMEOUT), ("open", ErrorCode.UNAVAILABLE)],
)
async def test_connection_that_breaks_off_leaves_writes_in_doubt(
    new_store: NewStore, operation: str, code: ErrorCode
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as rude:
        url = f"http://127.0.0.1:{rude.sockets[0].getsockname()[1]}"
        broken = await _failure(new_store(api_url=url, delivery_url=url), operation)
    assert (broken.code, broken.retryable) == (code, True)


@pytest.mark.parametrize("operation", ["put", "open", "delete", "ping"])
async def test_silence_ends_at_the_deadline(new_store: NewStore, operation: str) -> None:
    begun = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        late = await _failure(new_store(api_url=url, delivery_url=url, deadline_s=0.2), operation)
    assert begun.is_set()
    assert (late.code, late.retryable) == (ErrorCode.TIMEOUT, True)


async def test_trickle_ends_at_the_deadline_too(new_store: NewStore) -> None:
    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.02)

    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        late = await _failure(new_store(api_url=url, delivery_url=url, deadline_s=0.3), "open")
    assert late.code is ErrorCode.TIMEOUT


@pytest.mark.parametrize("operation", ["put", "open", "delete", "ping"])
async def test_redirect_is_not_followed(new_store: NewStore, standin: Standin, operation: str) -> None:
    asked = list[bytes]()

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(elsewhere, "127.0.0.1", 0) as other:
        url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}/"
        standin.answers.append(RedirectResponse(url, 307))
        refused = await _failure(new_store(), operation)
    assert asked == []
    assert refused.retryable


async def test_bytes_that_arrive_changed_are_no_picture(store: CloudinaryStore, standin: Standin) -> None:
    standin.answers.append(Response(_CAR[:-1], media_type="image/jpeg"))
    changed = await _failure(store, "open")
    assert (changed.code, changed.retryable) == (ErrorCode.UNAVAILABLE, True)


async def test_account_that_changes_what_it_gets_keeps_nothing(store: CloudinaryStore, standin: Standin) -> None:
    standin.late.append(JSONResponse({"public_id": public_id(_KEY), "version": 17, "bytes": len(_CAR) - 1}))
    refused = await _failure(store)
    assert (refused.code, refused.retryable) == (ErrorCode.UNAVAILABLE, False)
    assert standin.assets == {}


@pytest.mark.parametrize("result", ["error", {}, None])
async def test_deletion_that_is_not_confirmed_is_not_believed(
    store: CloudinaryStore, standin: Standin, result: object
) -> None:
    standin.answers.append(JSONResponse({"result": result}))
    assert (await _failure(store, "delete")).code is ErrorCode.TIMEOUT


def test_links_of_the_sdk_go_to_cloudinarys_own_host_over_tls() -> None:
    account = Account.parse(f"cloudinary://{KEY}:{SECRET}@{CLOUD}")
    link = account.link("regen/x/y", "jpg", "17", 0)
    assert link.startswith(f"https://res.cloudinary.com/{CLOUD}/image/authenticated/s--")
    assert link.endswith("--/v17/regen/x/y.jpg")
    assert "/c_limit,f_auto,q_auto,w_400/v17/" in account.link("regen/x/y", "jpg", "17", 400)
    assert account.endpoint("image/upload") == f"https://api.cloudinary.com/v1_1/{CLOUD}/image/upload"


def test_account_of_a_host_and_a_signature_of_its_own_is_understood() -> None:
    account = Account.parse(f"cloudinary://{KEY}:{SECRET}@{CLOUD}/img.example.com?signature_algorithm=sha256")
    plain = Account.parse(f"cloudinary://{KEY}:{SECRET}@{CLOUD}/img.example.com")
    link = account.link("regen/x/y", "jpg", "17", 0)
    assert link.startswith("https://img.example.com/image/authenticated/s--")
    assert link != plain.link("regen/x/y", "jpg", "17", 0)
    assert len(account.signed({"public_id": "x"})["signature"]) == 64


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import cloudinary  # type: ignore[import-untyped] # pyright: ignore[reportMissingTypeStubs] # noqa: PLC0415 - untyped

    account = Account.parse(f"cloudinary://{KEY}:{SECRET}@{CLOUD}")
    before = account.link("regen/x/y", "jpg", "17", 400)
    settings = "secure_distribution=evil.test&cname=evil.test&private_cdn=true&dpr=2.0&shorten=true&cdn_subdomain=true"
    monkeypatch.setenv("CLOUDINARY_URL", f"cloudinary://other:other@other?{settings}&long_url_signature=true")
    cloudinary.reset_config()
    try:
        assert account.link("regen/x/y", "jpg", "17", 400) == before
    finally:
        monkeypatch.delenv("CLOUDINARY_URL")
        cloudinary.reset_config()
