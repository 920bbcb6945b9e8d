"""Where pictures and archives are kept."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from app.accounts.secrets import load_or_create_secret
from app.archives.files import ArchiveFiles
from app.archives.service import Archives
from app.pictures.copies import Copies
from app.pictures.disk import DiskStore
from app.pictures.links import MediaLinks
from app.pictures.nearby import Nearby
from app.pictures.pool import PicturePool
from app.pictures.store import PictureStore
from app.pictures.stores import Stores
from app.settings import Settings


def media_dir(settings: Settings) -> Path:
    """Where the pictures of the local disk lie."""
    return settings.data_dir.resolve() / "media"


@dataclass(frozen=True, slots=True)
class PictureStores:
    """All that are set up; `disk` is one of them, and serves its own. `close` is for the end.

    `ping` asks the one that is far away whether it answers, and raises AppError when it doesn't; null without one.
    """

    all: Stores
    disk: DiskStore
    description: str
    close: Callable[[], Awaitable[None]]
    ping: Callable[[], Awaitable[None]] | None = None


def picture_stores(settings: Settings, pool: PicturePool | None = None, *, copies: bool = True) -> PictureStores:
    """The local disk, which is always there, and Cloudinary if its account is set.

    Smaller ones are made in `pool`. `copies`: keep copies of what lies far away on this machine, as the settings say.

    Raises:
        SecretFileError: the file of the key that signs the disk's links can't be trusted.
    """
    folder = media_dir(settings)
    disk = DiskStore(folder, MediaLinks(secret(settings, "media_url_key")), pool or PicturePool())
    url = settings.real("cloudinary_url")
    if url is None:
        return PictureStores(Stores(disk), disk, f"local disk, {folder}", _nothing)
    from app.pictures.cloudinary.account import Account  # noqa: PLC0415 - takes a moment, and only an account needs it
    from app.pictures.cloudinary.store import CloudinaryStore  # noqa: PLC0415 - the same

    account = Account.parse(url, settings.cloudinary_upload_prefix, settings.cloudinary_delivery_url)
    cloudinary = CloudinaryStore(account, settings.provider_timeout_s)
    far = _with_copies(cloudinary, settings) if copies else cloudinary
    if settings.picture_store == "disk":
        description = f"local disk, {folder}; older pictures in Cloudinary, cloud {account.cloud}, too"
        return PictureStores(Stores(disk, (far,)), disk, description, cloudinary.close, cloudinary.ping)
    description = f"Cloudinary, cloud {account.cloud} (real); older pictures on the local disk, {folder}, too"
    return PictureStores(Stores(far, (disk,)), disk, description, cloudinary.close, cloudinary.ping)


def archives_of(settings: Settings) -> Archives:
    """Those in the data folder.

    Raises:
        SecretFileError: the file of the key that signs their links can't be trusted.
    """
    files = ArchiveFiles(settings.data_dir.resolve() / "archives")
    return Archives(files, MediaLinks(secret(settings, "media_url_key")), settings.archive_retention_s)


def _with_copies(store: PictureStore, settings: Settings) -> PictureStore:
    limit = settings.picture_cache_mb * 1_000_000
    return Nearby(store, Copies(settings.data_dir.resolve() / "nearby", limit)) if limit else store


async def _nothing() -> None:
    """A disk has nothing to close."""


def secret(settings: Settings, name: str) -> bytes:
    """A secret that was given, or the one that was made here.

    Raises:
        SecretFileError: its file can't be trusted.
    """
    given = settings.real(name)
    return given.encode() if given else load_or_create_secret(settings.data_dir / "secrets" / name)
