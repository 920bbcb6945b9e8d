"""Password rules and hashing with Argon2id."""

import asyncio
import base64
import unicodedata
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final

import argon2
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import ARGON2_VERSION  # pyright: ignore[reportUnknownVariableType] - a constant of the C library

from app.errors import AppError, ErrorCode, bad_input

_MIN_CHARACTERS: Final = 8
_MAX_CHARACTERS: Final = 256
_LONGEST_TO_NORMALIZE: Final = 4 * _MAX_CHARACTERS
"""Normalizing takes quadratic time on hostile text; what is longer is no password anyway."""
_RETRY_AFTER_S: Final = 5.0


def check_password(password: str) -> None:
    """Hold a new password against the only rule: 8 to 256 characters, whichever they are.

    Length is what helps; rules about digits and signs do not (NIST SP 800-63B-4, section 3.1.1.2).

    Raises:
        AppError: BAD_USER_INPUT.
    """
    length = len(password) if len(password) > _LONGEST_TO_NORMALIZE else len(_normal(password))
    if length < _MIN_CHARACTERS:
        raise bad_input(f"Choose a password of at least {_MIN_CHARACTERS} characters.", "input", "password")
    if length > _MAX_CHARACTERS:
        raise bad_input(f"Choose a password of at most {_MAX_CHARACTERS} characters.", "input", "password")


@dataclass(frozen=True, slots=True)
class HashingCost:
    """What one hash costs; the defaults are RFC 9106's second choice, for machines with little memory."""

    passes: int = 3
    memory_kib: int = 65_536
    lanes: int = 4


class PasswordHasher:
    """Hashes and verifies passwords in threads, a few at a time.

    Each hash takes `cost.memory_kib` of memory, so that at most `parallel` are made at once; at most `waiting`
    more callers wait, and all others are sent away.
    """

    def __init__(self, cost: HashingCost | None = None, *, parallel: int = 2, waiting: int = 64) -> None:
        cost = cost or HashingCost()
        self._argon2 = argon2.PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)
        self._nobodys_hash = _made_up(self._argon2)
        self._slots = asyncio.Semaphore(parallel)
        self._room = parallel + waiting

    async def hash(self, password: str) -> str:
        """The hash to store: salt and parameters are inside.

        Raises:
            AppError: UNAVAILABLE when too many callers wait.
        """
        async with self._slot():
            return await _in_thread(lambda: self._argon2.hash(_canonical(password)))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one that was hashed.

        With null, for an account that does not exist, it does the same work and says no, so that the time
        taken tells nobody who has an account.

        Raises:
            AppError: UNAVAILABLE when too many callers wait.
        """
        async with self._slot():
            matches = await _in_thread(lambda: self._matches(password_hash or self._nobodys_hash, password))
        return matches and password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether a hash was made at another cost than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, _canonical(password))
        except VerifyMismatchError:
            return False

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        if self._room == 0:
            raise AppError(
                ErrorCode.UNAVAILABLE,
                "Too many people are logging in right now. Try again in a few seconds.",
                retryable=True,
                retry_after_s=_RETRY_AFTER_S,
            )
        self._room -= 1
        try:
            async with self._slots:
                yield
        finally:
            self._room += 1


def _made_up(argon2id: argon2.PasswordHasher) -> str:
    """What looks like a hash of that cost and is one of no password: to hash one takes a start's sixth of a second."""
    salt, digest = (
        base64.b64encode(token_bytes(size)).decode().rstrip("=") for size in (argon2id.salt_len, argon2id.hash_len)
    )
    cost = f"m={argon2id.memory_cost},t={argon2id.time_cost},p={argon2id.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


async def _in_thread[T](work: Callable[[], T]) -> T:
    """Run it in a thread; a caller that is cancelled still waits for the thread, which can't be stopped."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _normal(password: str) -> str:
    """The same characters whether a keyboard composes its accents or not: NFC, as RFC 8265's OpaqueString has it."""
    return unicodedata.normalize("NFC", password)


def _canonical(password: str) -> bytes:
    """The bytes that are hashed; a lone surrogate, which JSON can express, is kept."""
    normal = password if len(password) > _LONGEST_TO_NORMALIZE else _normal(password)
    return normal.encode("utf-8", "surrogatepass")
