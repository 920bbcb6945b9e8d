"""Every implementation of a process, picked and put together."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from limits.aio.storage import MemoryStorage

from app.accounts.attempts import WindowedAttempts
from app.accounts.passwords import PasswordHasher
from app.accounts.refresh_tokens import RefreshTokens
from app.accounts.service import Accounts
from app.accounts.sessions import Sessions
from app.accounts.tokens import TokenSigner
from app.api.context import Services
from app.bootstrap import models, work
from app.bootstrap.database import database_server
from app.bootstrap.stores import disk_store, media_dir, secret
from app.bootstrap.work import Link
from app.database.servers import DatabaseServer
from app.generations.closing import Closing
from app.generations.ports import EventHub, WorkQueue
from app.generations.runner import Runner
from app.generations.service import Generations, OwnerLimits
from app.generations.sweeper import Sweeper
from app.generations.switch import Switch
from app.ornaments.jobs import OrnamentJob
from app.ornaments.service import GENERATION_KIND, Ornaments, renewed
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.providers.local.provider import LocalImageModel
from app.providers.ports.image import ImageModel
from app.settings import Settings


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
            "models": models.described(self.settings, self.image_model),
            "store": f"local disk, {media_dir(self.settings)}",
        }


def assemble(settings: Settings) -> Parts:
    """Pick the implementations; makes the data folder and the secrets that were not given, opens nothing.

    Raises:
        SecretFileError: a secret's file can't be trusted.
    """
    queue, hub, links = work.doorbells(settings)
    store = disk_store(settings)
    pictures = Pictures(store)
    model, close = models.image_model(settings)
    # What was asked of the local one before a key was set is still its to make.
    makers: dict[str, ImageModel] = {one.name: one for one in (LocalImageModel(), model)}
    jobs = {GENERATION_KIND: OrnamentJob(pictures, makers, settings.provider_timeout_s)}
    limits = OwnerLimits(settings.user_running_limit, settings.user_queued_limit)
    closing = Closing(jobs, queue, hub, limits.running)
    generations = Generations(queue, hub, closing, limits, {GENERATION_KIND: partial(renewed, model)})
    switch = Switch()
    return Parts(
        settings=settings,
        server=database_server(settings),
        services=Services(_accounts(settings), generations, Ornaments(generations, model), pictures),
        runner=work.runner_of(settings, closing, switch),
        sweeper=work.sweeper_of(settings, queue, switch, pictures),
        queue=queue,
        hub=hub,
        store=store,
        image_model=model,
        close=close,
        links=links,
    )


def _accounts(settings: Settings) -> Accounts:
    key = secret(settings, "jwt_secret")
    return Accounts(
        passwords=PasswordHasher(),
        attempts=WindowedAttempts(MemoryStorage()),
        tokens=TokenSigner(key),
        sessions=Sessions(RefreshTokens(key)),
    )
