"""Who does the work of generations: the queue, the hub, the runner and the sweeper."""

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from beanie import PydanticObjectId

from app.accounts.erasing import Erasures
from app.accounts.model import Session
from app.archives.service import Archives
from app.archives.sweep import clearing_archives
from app.batches.service import Batches
from app.bootstrap.costs import budget_chores
from app.chats import deletion as chats_deletion
from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.model import Chat
from app.chats.starting import ExchangeStarter
from app.costs.budgets import Budgets
from app.database.document import utc_now
from app.dreams import deletion as dreams_deletion
from app.dreams.model import Dream
from app.dreams.starting import DreamStarter
from app.dreams.versions import DreamVersion
from app.generations.backlog import referring
from app.generations.closing import Closing
from app.generations.inprocess import InProcessHub, InProcessQueue
from app.generations.ports import EventHub, WorkQueue
from app.generations.retries import RetryPolicy
from app.generations.runner import Runner
from app.generations.slots import ProviderLimits
from app.generations.sweeper import Chore, Sweeper, trimming
from app.generations.switch import Switch
from app.lineage.clearing import clearing
from app.lineage.deletion import delete_forever
from app.lineage.trash import Trash
from app.ornaments.model import OrnamentImage
from app.pictures.library import Pictures
from app.pictures.model import Picture
from app.projects.invitation import Invitation
from app.projects.model import Project
from app.settings import Settings

_EXPIRED_EVERY_S = 3600
_CHORES_EVERY = 12  # rounds of the sweep
_CALL_MARGIN_S = 60  # what a call's reader may take besides: the ledger, a preview

_TRASHES = (
    Trash(OrnamentImage, delete_forever),
    Trash(Dream, dreams_deletion.delete_forever, dreams_deletion.finish),
    Trash(Project, chats_deletion.delete_projects_forever, chats_deletion.finish_project),
    Trash(Chat, chats_deletion.delete_forever, chats_deletion.finish),
    Trash(ChatImage, delete_forever),
)

type Link = Callable[[], AbstractAsyncContextManager[None]]


class Doorbells(NamedTuple):
    """The queue, the hub, and what has to be open while they are used."""

    queue: WorkQueue
    hub: EventHub
    links: tuple[Link, ...] = ()


def doorbells(settings: Settings) -> Doorbells:
    """In this process, or over Redis."""
    url = settings.real("redis_url")
    if url is None:
        return Doorbells(InProcessQueue(), InProcessHub())
    from app.generations.redis.hub import RedisHub  # noqa: PLC0415 - streaq takes a moment, and only Redis needs it
    from app.generations.redis.queue import REDELIVERY_S, RedisQueue  # noqa: PLC0415 - the same

    # who is killed shall keep its rings no longer than what they ring for
    queue, hub = RedisQueue(url, min(REDELIVERY_S, settings.lease_s)), RedisHub(url)
    return Doorbells(queue, hub, (queue.opened, hub.opened))


def runner_of(settings: Settings, closing: Closing, switch: Switch) -> Runner:
    """Who works on generations in this process."""
    calls_at_once = {"openai": settings.openai_concurrency, "gemini": settings.gemini_concurrency}
    return Runner(
        closing.jobs,
        closing.queue,
        closing.hub,
        closing,
        worker=f"{socket.gethostname()}-{os.getpid()}",
        limits=ProviderLimits(calls_at_once, settings.provider_timeout_s + _CALL_MARGIN_S),
        retries=RetryPolicy(settings.generation_attempts, settings.generation_time_limit_s),
        switch=switch,
        lease_s=settings.lease_s,
    )


class Products(NamedTuple):
    """What of the products a sweep goes on with, besides the generations themselves."""

    pictures: Pictures
    archives: Archives
    batches: Batches
    dreams: DreamStarter
    exchanges: ExchangeStarter
    erasures: Erasures


def sweeper_of(settings: Settings, queue: WorkQueue, switch: Switch, budgets: Budgets, products: Products) -> Sweeper:
    """Who cleans up after crashes, one process at a time."""
    every_s = _CHORES_EVERY * settings.sweep_every_s

    async def sweep_pictures() -> None:
        await products.pictures.sweep(_referenced, settings.picture_grace_s)

    async def forget_expired() -> None:
        await Session.delete_expired(utc_now())
        await Invitation.remove_expired(utc_now())

    chores = (
        trimming(settings.event_retention_s, every_s, Picture.let_go),
        clearing(_TRASHES, settings.picture_grace_s, every_s),
        Chore("erasures", settings.sweep_every_s, products.erasures.go_on),
        Chore("batches", settings.sweep_every_s, products.batches.finish_left_over),
        Chore("dreams", settings.sweep_every_s, products.dreams.finish_left_over),
        Chore("exchanges", settings.sweep_every_s, products.exchanges.finish_left_over),
        Chore("pictures", every_s, sweep_pictures),
        clearing_archives(products.archives, every_s),
        Chore("expired", _EXPIRED_EVERY_S, forget_expired),
        *budget_chores(budgets, every_s),
    )
    return Sweeper(queue, settings.user_running_limit, settings.sweep_every_s, switch, chores)


async def _referenced(picture_ids: Sequence[PydanticObjectId]) -> set[PydanticObjectId]:
    """Those of them that something refers to: each feature that keeps pictures has a say."""
    shown = await OrnamentImage.showing(picture_ids) | await Dream.showing(picture_ids)
    shown |= await ChatImage.showing(picture_ids) | await Exchange.showing(picture_ids)
    shown |= await DreamVersion.showing(picture_ids)
    shown |= await Project.showing(picture_ids) | await Chat.showing(picture_ids)
    return await referring(picture_ids) | shown
