"""The address of a running database, left in its data folder for other commands on this machine."""

import os
from pathlib import Path

_FILE = "database.address"


def leave(folder: Path, url: str) -> None:
    """Write it, for this user's eyes only; whoever reads sees all of it or nothing."""
    draft = folder / f"{_FILE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(url)
    draft.replace(folder / _FILE)


def left(folder: Path) -> str | None:
    """What was left there last; it counts only while the folder is locked."""
    try:
        return (folder / _FILE).read_text(encoding="utf-8") or None
    except FileNotFoundError:
        return None


def forget(folder: Path) -> None:
    """Remove it."""
    (folder / _FILE).unlink(missing_ok=True)
