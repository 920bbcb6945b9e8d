"""The composition root: the only place that picks, opens and closes implementations."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from limits.aio.storage import MemoryStorage
from pymongo.errors import PyMongoError

from app.accounts.attempts import WindowedAttempts
from app.accounts.model import Session, User
from app.accounts.passwords import PasswordHasher
from app.accounts.refresh_tokens import RefreshTokens
from app.accounts.secrets import load_or_create_secret
from app.accounts.service import Accounts
from app.accounts.sessions import Sessions
from app.accounts.tokens import TokenSigner
from app.api.context import Services
from app.database import servers
from app.database.connection import Connection, connect
from app.database.document import DocumentTypes, utc_now
from app.database.servers import DatabaseServer
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.model import Generation
from app.generations.ports import EventHub, WorkQueue
from app.generations.runner import Runner
from app.generations.service import Generations
from app.logs import logger
from app.ornaments.jobs import OrnamentJob
from app.ornaments.model import OrnamentImage
from app.ornaments.service import GENERATION_KIND, Ornaments
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture
from app.providers.local.provider import LocalImageModel
from app.providers.ports import ImageModel
from app.settings import Settings

_log = logger(__name__)
_SESSIONS_EVERY_S = 3600
type Link = Callable[[], AbstractAsyncContextManager[None]]

DOCUMENTS: DocumentTypes = (User, Session, Picture, Generation, OrnamentImage)


@dataclass(frozen=True, slots=True)
class Parts:
    """Every implementation of this process, picked by the settings and not yet opened."""

    settings: Settings
    server: DatabaseServer
    services: Services
    runner: Runner
    queue: WorkQueue
    hub: EventHub
    store: DiskStore
    image_model: ImageModel
    close: Callable[[], Awaitable[None]]
    links: tuple[Link, ...]

    def description(self) -> Mapping[str, str]:
        """What this process runs on, a line each; says of everything whether it is real, local or mock."""
        return {
            "database": self.server.description,
            "queue": self.queue.description,
            "models": _models(self.settings, self.image_model),
            "store": f"local disk, {media_dir(self.settings)}",
        }


def media_dir(settings: Settings) -> Path:
    """Where the pictures of the local disk lie."""
    return settings.data_dir.resolve() / "media"


def assemble(settings: Settings) -> Parts:
    """Pick the implementations; makes the data folder and the secrets that were not given, opens nothing.

    Raises:
        SecretFileError: a secret's file can't be trusted.
    """
    queue, hub, links = _work(settings)
    store = DiskStore(media_dir(settings), MediaLinks(_secret(settings, "media_url_key")))
    pictures = Pictures(store)
    model, close = _image_model(settings)
    generations = Generations(queue, hub)
    # What was asked of the local one before a key was set is still its to make.
    models = {one.name: one for one in (LocalImageModel(), model)}
    job = OrnamentJob(pictures, models, settings.provider_timeout_s)
    worker = f"{socket.gethostname()}-{os.getpid()}"
    return Parts(
        settings=settings,
        server=database_server(settings),
        services=Services(_accounts(settings), generations, Ornaments(generations, model), pictures),
        runner=Runner({GENERATION_KIND: job}, queue, hub, worker),
        queue=queue,
        hub=hub,
        store=store,
        image_model=model,
        close=close,
        links=links,
    )


def database_server(settings: Settings) -> DatabaseServer:
    """The database's server that the settings mean."""
    url = settings.mongodb_url.get_secret_value() if settings.mongodb_url else None
    return servers.choose(url, settings.data_dir)


@asynccontextmanager
async def opened_database(
    settings: Settings, server: DatabaseServer, documents: DocumentTypes = DOCUMENTS
) -> AsyncGenerator[Connection]:
    """Start the server, connect and make the indexes of `documents`; close and stop at the exit.

    Raises:
        DatabaseError: in a sentence for the operator.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await server.start()
    try:
        connection = await connect(server.url, documents)
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        await server.stop()


@asynccontextmanager
async def working(parts: Parts) -> AsyncGenerator[Connection]:
    """The database open and this process working on generations.

    At the exit nothing new is claimed and what runs is given back to the queue.
    """
    slots = parts.settings.worker_slots
    async with AsyncExitStack() as stack:
        for link in parts.links:
            await stack.enter_async_context(link())
        connection = await stack.enter_async_context(opened_database(parts.settings, parts.server))
        stack.push_async_callback(parts.close)
        if slots:
            await stack.enter_async_context(parts.queue.serve(parts.runner.run, slots))
        tasks = [asyncio.create_task(parts.runner.sweep()), asyncio.create_task(_forget_expired_sessions())]
        try:
            yield connection
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _forget_expired_sessions() -> None:
    while True:
        try:
            await Session.delete_expired(utc_now())
        except PyMongoError as error:  # the database may be away; the next round tries again
            _log.warning("expired_sessions_left", reason=type(error).__name__)
        await asyncio.sleep(_SESSIONS_EVERY_S)


def _work(settings: Settings) -> tuple[WorkQueue, EventHub, tuple[Link, ...]]:
    """The queue, the hub, and what has to be open while they are used."""
    url = settings.real("redis_url")
    if url is None:
        return InProcessQueue(), InProcessHub(), ()
    from app.generations.redis.hub import RedisHub  # noqa: PLC0415 - streaq takes a moment, and only Redis needs it
    from app.generations.redis.queue import RedisQueue  # noqa: PLC0415 - the same

    queue, hub = RedisQueue(url), RedisHub(url)
    return queue, hub, (queue.opened, hub.opened)


def _accounts(settings: Settings) -> Accounts:
    secret = _secret(settings, "jwt_secret")
    return Accounts(
        passwords=PasswordHasher(),
        attempts=WindowedAttempts(MemoryStorage()),
        tokens=TokenSigner(secret),
        sessions=Sessions(RefreshTokens(secret)),
    )


def _secret(settings: Settings, name: str) -> bytes:
    given = settings.real(name)
    return given.encode() if given else load_or_create_secret(settings.data_dir / "secrets" / name)


def _image_model(settings: Settings) -> tuple[ImageModel, Callable[[], Awaitable[None]]]:
    """The model of ornament images, and how it is closed."""
    key = settings.real("google_api_key")
    if key is None:
        return LocalImageModel(), _nothing
    from app.providers.gemini import GeminiImageModel  # noqa: PLC0415 - takes a second, and only a key needs it

    model = GeminiImageModel(
        key, settings.gemini_image_model, settings.provider_timeout_s, settings.google_gemini_base_url
    )
    return model, model.close


async def _nothing() -> None:
    """What holds nothing open has nothing to close."""


def _models(settings: Settings, model: ImageModel) -> str:
    if model.name == "local":
        return "pictures: basic processing on this machine (local; set GOOGLE_API_KEY for Gemini)"
    return f"pictures: {model.name}, {settings.gemini_image_model} (real)"
