"""The composition root: the only place that picks, opens and closes implementations."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from beanie import PydanticObjectId
from limits.aio.storage import MemoryStorage

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
from app.database.alone import alone
from app.database.connection import Connection, connect
from app.database.document import DocumentTypes, utc_now
from app.database.servers import DatabaseServer
from app.database.sharing import shared
from app.database.upgrade import require_layouts
from app.generations.backlog import referring
from app.generations.closing import Closing
from app.generations.following import keep_caught_up
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.generations.ports import EventHub, Serving, WorkQueue
from app.generations.retries import RetryPolicy
from app.generations.runner import Runner
from app.generations.service import Generations, OwnerLimits
from app.generations.slots import ProviderLimits, ProviderSlots
from app.generations.sweeper import Chore, Sweeper, trimming
from app.generations.switch import Switch, Turn
from app.logs import logger
from app.ornaments.jobs import OrnamentJob
from app.ornaments.model import OrnamentImage
from app.ornaments.service import GENERATION_KIND, Ornaments, renewed
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.links import MediaLinks
from app.pictures.model import Picture
from app.providers.local.provider import LocalImageModel
from app.providers.ports import ImageModel
from app.settings import Settings

_log = logger(__name__)
_SESSIONS_EVERY_S = 3600
_CHORES_EVERY = 12  # rounds of the sweep
_CALL_MARGIN_S = 10
_AGAIN_S = 1
_GIVE_BACK_S = 1.5
_OPERATION_S = 5
"""A request that can't have its answer from the database says so soon."""
type Link = Callable[[], AbstractAsyncContextManager[None]]

DOCUMENTS: DocumentTypes = (User, Session, Picture, Generation, Lane, ProviderSlots, Turn, OrnamentImage)


@dataclass(frozen=True, slots=True)
class Parts:
    """Every implementation of this process, picked by the settings and not yet opened."""

    settings: Settings
    server: DatabaseServer
    services: Services
    runner: Runner
    sweeper: Sweeper
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


@dataclass(frozen=True, slots=True)
class Working:
    """A process at work; `serving` is null in one that only takes work in, `begun` what ends with the work."""

    connection: Connection
    serving: Serving | None
    grace_s: float
    begun: AsyncExitStack

    async def drain(self) -> None:
        """Claim nothing more; what runs gets its grace to end."""
        if self.serving is not None:
            await self.serving.drain(self.grace_s)

    async def give_back(self) -> bool:
        """Cancel what still runs and give it back to the queue; who follows it hears of it, for all else stays open.

        False when that takes too long, because the database hangs: then the leases run out.
        """
        try:
            async with asyncio.timeout(_GIVE_BACK_S):
                await self.begun.aclose()
        except TimeoutError:
            return False
        return True


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
    # What was asked of the local one before a key was set is still its to make.
    models = {one.name: one for one in (LocalImageModel(), model)}
    jobs = {GENERATION_KIND: OrnamentJob(pictures, models, settings.provider_timeout_s)}
    limits = OwnerLimits(settings.user_running_limit, settings.user_queued_limit)
    closing = Closing(jobs, queue, hub, limits.running)
    generations = Generations(queue, hub, closing, limits, {GENERATION_KIND: partial(renewed, model)})
    switch = Switch()
    return Parts(
        settings=settings,
        server=database_server(settings),
        services=Services(_accounts(settings), generations, Ornaments(generations, model), pictures),
        runner=_runner(settings, closing, switch),
        sweeper=_sweeper(settings, queue, switch, pictures),
        queue=queue,
        hub=hub,
        store=store,
        image_model=model,
        close=close,
        links=links,
    )


def _runner(settings: Settings, closing: Closing, switch: Switch) -> Runner:
    return Runner(
        closing.jobs,
        closing.queue,
        closing.hub,
        closing,
        worker=f"{socket.gethostname()}-{os.getpid()}",
        limits=ProviderLimits({"gemini": settings.gemini_concurrency}, settings.provider_timeout_s + _CALL_MARGIN_S),
        retries=RetryPolicy(settings.generation_attempts, settings.generation_time_limit_s),
        switch=switch,
        lease_s=settings.lease_s,
    )


def _sweeper(settings: Settings, queue: WorkQueue, switch: Switch, pictures: Pictures) -> Sweeper:
    every_s = _CHORES_EVERY * settings.sweep_every_s

    async def sweep_pictures() -> None:
        await pictures.sweep(_referenced, settings.picture_grace_s)

    async def forget_sessions() -> None:
        await Session.delete_expired(utc_now())

    chores = (
        trimming(settings.event_retention_s, every_s, Picture.let_go),
        Chore("pictures", every_s, sweep_pictures),
        Chore("sessions", _SESSIONS_EVERY_S, forget_sessions),
    )
    return Sweeper(queue, settings.user_running_limit, settings.sweep_every_s, switch, chores)


async def _referenced(picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Those of them that something refers to: each feature that keeps pictures has a say."""
    return await referring(picture_ids) | await OrnamentImage.showing(picture_ids)


def database_server(settings: Settings) -> DatabaseServer:
    """The database's server that the settings mean."""
    url = settings.mongodb_url.get_secret_value() if settings.mongodb_url else None
    return servers.choose(url, settings.data_dir)


@asynccontextmanager
async def opened_database(
    settings: Settings,
    server: DatabaseServer,
    documents: DocumentTypes = DOCUMENTS,
    deadline_s: float | None = None,
) -> AsyncGenerator[Connection]:
    """Start the server, connect and make the indexes of `documents`; close and stop at the exit.

    `deadline_s`: of each operation, see `connect`.

    Raises:
        DatabaseError: in a sentence for the operator.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await server.start()
    try:
        connection = await connect(server.url, documents, deadline_s=deadline_s)
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        await server.stop()


@asynccontextmanager
async def working(parts: Parts) -> AsyncGenerator[Working]:
    """The database open and this process working on generations.

    At the exit nothing new is claimed and what runs is given back to the queue.
    """
    slots = parts.settings.worker_slots
    async with AsyncExitStack() as stack:
        for link in parts.links:
            await stack.enter_async_context(link())
        opened = opened_database(parts.settings, parts.server, deadline_s=_OPERATION_S)
        connection = await stack.enter_async_context(opened)
        await require_layouts(connection.database, DOCUMENTS)
        stack.enter_context(shared(parts.server))
        stack.push_async_callback(parts.close)
        if parts.settings.real("mongodb_url") and not parts.settings.real("redis_url"):
            await stack.enter_async_context(alone(connection.database))
        begun = await stack.enter_async_context(AsyncExitStack())
        serving = await begun.enter_async_context(parts.queue.serve(parts.runner.run, slots)) if slots else None
        clock = parts.services.generations.clock
        await clock.set(connection.database)
        duties = (parts.sweeper.run, partial(keep_caught_up, parts.hub.followers, clock), parts.runner.heed_cancels)
        tasks = [asyncio.create_task(_kept(duty)) for duty in duties]
        try:
            yield Working(connection, serving, parts.settings.shutdown_grace_s, begun)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _kept(duty: Callable[[], Awaitable[None]]) -> None:
    """Do it for as long as the process lives, whatever goes wrong."""
    while True:
        try:
            await duty()
        except Exception:  # noqa: BLE001 - nobody waits for it: it would end unseen, and be missed
            _log.exception("duty_failed")
        await asyncio.sleep(_AGAIN_S)


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
