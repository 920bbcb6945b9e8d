"""What the edge lets in, by the settings."""

from pathlib import Path

from limits.aio.storage import Storage

from app.accounts.counters import Counters
from app.api.allowances import Allowances
from app.api.documents import DocumentsError, TrustedDocuments
from app.api.edge import Edge
from app.api.seats import Seats
from app.api.sharing.groups import Groups
from app.bootstrap.work import Link
from app.settings import Settings, SettingsError


def counters_of(settings: Settings) -> tuple[Storage, tuple[Link, ...]]:
    """Where attempts, requests and costs are counted, and what has to be open for it: all processes share Redis."""
    url = settings.real("redis_url")
    if url is None:
        return Counters(), ()
    from app.generations.redis.counters import RedisCounters  # noqa: PLC0415 - takes a moment, and only Redis needs it

    counters = RedisCounters(url, Counters())
    return counters, (counters.opened,)


def edge_of(settings: Settings, counters: Storage) -> Edge:
    """The limits that the settings mean.

    Raises:
        SettingsError: the trusted documents can't be used.
    """
    return Edge(
        Allowances(counters, settings.cost_per_minute, settings.requests_per_minute),
        Seats(settings.sockets_per_user),
        _documents(settings.trusted_documents, only=settings.only_trusted_documents),
        introspection=settings.introspection,
        suggestions=settings.app_env == "development",
        compiled=settings.compiled_execution,
        groups=Groups() if settings.shared_subscriptions else None,
    )


def _documents(path: Path | None, *, only: bool) -> TrustedDocuments:
    if path is None:
        return TrustedDocuments()
    try:
        return TrustedDocuments.read(path, only=only)
    except DocumentsError as error:
        raise SettingsError(f"TRUSTED_DOCUMENTS is wrong: expected {error}.") from None
