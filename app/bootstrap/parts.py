"""Every implementation of a process, picked and put together."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from limits.aio.storage import Storage

from app.access import Gate
from app.accounts.attempts import WindowedAttempts
from app.accounts.erasing import Erasures
from app.accounts.passwords import PasswordHasher
from app.accounts.refresh_tokens import RefreshTokens
from app.accounts.service import Accounts
from app.accounts.sessions import Sessions
from app.accounts.tokens import TokenSigner
from app.api.edge import Edge
from app.api.services import Services
from app.archives.recipes import same
from app.batches.ports import StartItem
from app.batches.service import Batches
from app.batches.starting import Starter
from app.bootstrap import costs, work
from app.bootstrap.database import database_server
from app.bootstrap.diagnostics import Examination, diagnostics_job
from app.bootstrap.dreams import dream_models_of
from app.bootstrap.edge import counters_of, edge_of
from app.bootstrap.erasing import erasures_of
from app.bootstrap.issuer import described, issuer_of
from app.bootstrap.models import Models, models_of
from app.bootstrap.stores import PictureStores, archives_of, picture_stores, secret
from app.bootstrap.work import Link, Products
from app.chats import regenerating as chat_images
from app.chats.describing import Describer
from app.chats.entities import Entities
from app.chats.frames import Frames
from app.chats.image_jobs import ChatImageJob
from app.chats.jobs import ChatJob
from app.chats.model import Chat
from app.chats.recipes import GENERATION_KIND as CHAT
from app.chats.recipes import ChatModels
from app.chats.references import References
from app.chats.regenerating import IMAGE_KIND as CHAT_IMAGE
from app.chats.regenerating import ChatImages
from app.chats.retrying import Missing
from app.chats.service import Chats
from app.chats.starting import ExchangeStarter
from app.database.servers import DatabaseServer
from app.diagnostics.results import GENERATION_KIND as DIAGNOSTICS
from app.diagnostics.service import Diagnostics
from app.diagnostics.whole_flow import ProjectFlow
from app.dreams import ends
from app.dreams.batching import RegenerateEach as RegenerateEachDream
from app.dreams.exporting import EXPORT_KIND as DREAM_EXPORT
from app.dreams.exporting import DreamExportJob, DreamExports
from app.dreams.jobs import DreamJob
from app.dreams.recipes import GENERATION_KIND as DREAM
from app.dreams.service import Dreams
from app.dreams.starting import DreamStarter
from app.generations.closing import Closing
from app.generations.ports import EventHub, Job, Loss, WorkQueue
from app.generations.runner import Runner
from app.generations.service import Generations, OwnerLimits, Renew, RetryAs
from app.generations.sweeper import Sweeper
from app.generations.switch import Switch
from app.making.pictures import PictureMaker
from app.making.texts import TextMaker
from app.ornaments.batching import RegenerateEach
from app.ornaments.comparing import Comparisons
from app.ornaments.exporting import EXPORT_KIND, ExportJob, LineageExports
from app.ornaments.import_job import ImportJob
from app.ornaments.importing import IMPORT_KIND, LineageImports, caps_of
from app.ornaments.jobs import OrnamentJob
from app.ornaments.model import OrnamentImage
from app.ornaments.replaying import Replays
from app.ornaments.service import GENERATION_KIND as ORNAMENT
from app.ornaments.service import Ornaments, renewed
from app.pictures.disk import DiskStore
from app.pictures.library import Pictures
from app.pictures.pool import PicturePool
from app.projects.members import Members
from app.projects.model import Project
from app.projects.service import Projects
from app.providers.libraries import Libraries
from app.settings import KEYS, Settings

KEY_SETTINGS: Mapping[str, str] = MappingProxyType({provider: name.upper() for provider, name in KEYS.items()})


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
    stores: PictureStores
    models: Models
    close: Callable[[], Awaitable[None]]
    links: tuple[Link, ...]
    edge: Edge

    @property
    def store(self) -> DiskStore:
        """The one whose pictures this server serves itself."""
        return self.stores.disk

    def description(self) -> Mapping[str, str]:
        """What this process runs on, a line each; says of everything whether it is real, local or mock."""
        return {
            "database": self.server.description,
            "queue": self.queue.description,
            **self.models.description(simulated=self.settings.simulate),
            "store": self.stores.description,
            "accounts": described(self.services.accounts.outside),
            "costs": costs.described(self.runner.closing.budgets, self.models.billed),
        }


def assemble(settings: Settings) -> Parts:
    """Pick the implementations; makes the data folder and the secrets that were not given, opens nothing.

    Raises:
        SecretFileError: a secret's file can't be trusted.
        SettingsError: the prices or the trusted documents can't be used, or there is a budget without prices.
    """
    queue, hub, links = work.doorbells(settings)
    counters, counting = counters_of(settings)
    pool = PicturePool(settings.picture_threads)
    stores, models = picture_stores(settings, pool), models_of(settings, pool)
    pictures = Pictures(stores.all.chosen, stores.all.others, pool)
    archives, caps = archives_of(settings), caps_of(settings.archive_max_mb * 1_000_000)
    import_job = ImportJob(archives, pictures, caps)
    libraries = Libraries(pool)
    maker = PictureMaker(pictures, models.makers, libraries, KEY_SETTINGS)
    dream_models = dream_models_of(models, settings)
    server, budgets = database_server(settings), costs.budgets_of(settings)
    answers = ChatJob(Describer(pictures, models.seers, KEY_SETTINGS), maker, hub)
    jobs: dict[str, Job] = {
        ORNAMENT: OrnamentJob(maker),
        CHAT: answers,
        DREAM: DreamJob(TextMaker(dream_models.texts, KEY_SETTINGS), maker),
        DREAM_EXPORT: DreamExportJob(archives, pictures),
        EXPORT_KIND: ExportJob(archives, pictures),
        IMPORT_KIND: import_job,
        CHAT_IMAGE: ChatImageJob(maker, hub),
    }
    limits = OwnerLimits(settings.user_running_limit, settings.user_queued_limit)
    losses = dict[str, Loss]({DREAM: ends.end, CHAT: answers.complete})
    closing = Closing(jobs, queue, hub, limits.running, budgets, losses)
    renew: dict[str, Renew] = {
        ORNAMENT: partial(renewed, models.edit),
        CHAT_IMAGE: partial(chat_images.renewed, models.edit),
        **dict.fromkeys((DREAM_EXPORT, EXPORT_KIND, IMPORT_KIND), same),
    }
    retries = dict[str, RetryAs]()  # a product that starts its own needs the generations first
    gate = Gate(Project.role_of, Project.members_among)
    generations = Generations(queue, hub, closing, limits, renew, retries, gate=gate)
    ornaments = Ornaments(generations, models.edit)
    dreams = Dreams(DreamStarter(generations), dream_models)
    referred = References(pictures, gate, {"OrnamentImage": OrnamentImage.by_ids})
    chats = Chats(ExchangeStarter(generations), ChatModels(models.image, models.vision), referred)
    missing = Missing(chats)
    diagnostics = Diagnostics(generations)
    retries |= {DREAM: dreams.retry, CHAT: missing.retry, DIAGNOSTICS: diagnostics.retry}
    kinds = dict[str, StartItem]({ORNAMENT: RegenerateEach(ornaments), DREAM: RegenerateEachDream(dreams)})
    batches = Batches(Starter(generations, kinds))
    projects = Projects(gate, hub, Chat.main_of)
    entities = Entities(projects)
    replays = Replays(generations, models.makers, libraries)
    accounts = _accounts(settings, erasures_of(settings, generations, stores.all, archives), counters)
    switch = Switch()
    runner = work.runner_of(settings, closing, switch)
    examination = Examination(settings, server, queue, stores, models, budgets)
    examined = diagnostics_job(examination, maker, ProjectFlow(entities, chats, runner))
    jobs[DIAGNOSTICS], losses[DIAGNOSTICS] = examined, examined.clear  # it works on what another job makes, too
    return Parts(
        settings=settings,
        server=server,
        services=Services(
            accounts,
            generations,
            ornaments,
            dreams,
            pictures,
            batches,
            replays,
            Comparisons(pictures),
            archives,
            LineageExports(generations, ornaments, archives),
            LineageImports(generations, archives, caps),
            import_job,
            DreamExports(generations, archives),
            chats,
            missing,
            gate,
            ChatImages(generations, models.edit, gate),
            projects,
            Members(projects),
            entities,
            Frames(entities),
            diagnostics,
        ),
        runner=runner,
        sweeper=work.sweeper_of(
            settings,
            queue,
            switch,
            closing.budgets,
            Products(pictures, archives, batches, dreams.starter, chats.starter, accounts.erasures),
        ),
        queue=queue,
        hub=hub,
        stores=stores,
        models=models,
        close=_one_after_the_other(models.close, stores.close, accounts.close, pool.close),
        links=(*links, *counting),
        edge=edge_of(settings, counters),
    )


def _one_after_the_other(*closers: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        async with AsyncExitStack() as stack:
            for one in closers:
                stack.push_async_callback(one)

    return close


def _accounts(settings: Settings, erasures: Erasures, counters: Storage) -> Accounts:
    key = secret(settings, "jwt_secret")
    return Accounts(
        passwords=PasswordHasher(),
        attempts=WindowedAttempts(counters),
        tokens=TokenSigner(key),
        sessions=Sessions(RefreshTokens(key)),
        erasures=erasures,
        outside=issuer_of(settings, erasures.erased),
    )
