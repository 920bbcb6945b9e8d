"""Where pictures are kept."""

from pathlib import Path

from app.accounts.secrets import load_or_create_secret
from app.pictures.disk import DiskStore
from app.pictures.links import MediaLinks
from app.settings import Settings


def media_dir(settings: Settings) -> Path:
    """Where the pictures of the local disk lie."""
    return settings.data_dir.resolve() / "media"


def disk_store(settings: Settings) -> DiskStore:
    """The local disk.

    Raises:
        SecretFileError: the file of the key that signs its links can't be trusted.
    """
    return DiskStore(media_dir(settings), MediaLinks(secret(settings, "media_url_key")))


def secret(settings: Settings, name: str) -> bytes:
    """A secret that was given, or the one that was made here.

    Raises:
        SecretFileError: its file can't be trusted.
    """
    given = settings.real(name)
    return given.encode() if given else load_or_create_secret(settings.data_dir / "secrets" / name)
