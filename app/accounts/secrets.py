"""Secrets that the server makes for itself once and keeps in its data folder."""

import os
import stat
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Final

_SECRET_BYTES: Final = 32
_MIN_CHARACTERS: Final = 43
"""What 32 bytes take in base64url."""


class SecretFileError(Exception):
    """A secret's file can't be trusted; the message tells the operator what to do."""


def load_or_create_secret(path: Path) -> bytes:
    """The secret in a file, made at the first call: 256 random bits as base64url text, mode 600.

    Processes that start at once all get the same one. The folder is made when it is missing.

    A file that everybody on the machine may read is refused and not repaired: whoever could read it may have
    done so. Its group may read it, because orchestrators hand a volume to a process by its group.

    Raises:
        SecretFileError: the file is open to others, or holds no such secret.
    """
    if not path.exists():
        _create(path)
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        secret = file.read().strip()
    if mode & stat.S_IRWXO:
        raise SecretFileError(
            f"{path} can be read by everybody on this machine (mode {mode:o}). Delete it to get a new secret, "
            f"after which everybody logs in again, or, if nobody saw it, run: chmod 600 {path}",
        )
    if len(secret) < _MIN_CHARACTERS:
        raise SecretFileError(
            f"{path} holds no secret of {_MIN_CHARACTERS} characters. Restore it, or delete it to get a new one.",
        )
    return secret


def _create(path: Path) -> None:
    """Write the whole file beside its place and link it there: a link never replaces what another process made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(token_urlsafe(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
