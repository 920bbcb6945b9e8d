"""Accounts of people that an outside issuer knows: made on first sight, found again without asking the database."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.accounts.ended import Ended
from app.accounts.erasure import Erasure
from app.accounts.identity import EmailAddress, parse_name
from app.accounts.model import User
from app.accounts.outside.tokens import LEEWAY, OutsideClaims
from app.accounts.sessions import account_gone
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.logs import logger

_log = logger(__name__)
REMEMBERED_S: Final = 600.0
"""Shorter than `Ended` knows of an erasure: so no id of an erased account outlives that here."""
_NAMELESS: Final = "Unnamed"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Who a subject of `issuer` is here. Accounts are never joined by their addresses, which prove nothing here."""

    issuer: str
    erased: Ended
    clock: Callable[[], datetime] = utc_now
    seconds: Callable[[], float] = time.monotonic
    remembered_max: int = 10_000
    _known: OrderedDict[str, tuple[PydanticObjectId, float]] = field(
        default_factory=OrderedDict[str, tuple[PydanticObjectId, float]]
    )

    async def user_id(self, claims: OutsideClaims) -> PydanticObjectId:
        """The account's id; of somebody who was here within 10 minutes it takes no command of the database.

        Raises:
            AppError: UNAUTHENTICATED when the token is older than the erasure of that account; UNAVAILABLE when
                the database has to be asked, and can't be.
        """
        key = subject_key(self.issuer, claims.subject)
        if known := self._remembered(key):
            return known
        try:
            user = await User.with_email_key(key) or await self._arrived(key, claims)
        except PyMongoError as error:
            _log.warning("arrival_not_looked_up", reason=type(error).__name__)
            message = "The database can't be reached at the moment. Try again in a few seconds."
            raise AppError(ErrorCode.UNAVAILABLE, message, retryable=True) from error
        if user.identity in self.erased:
            raise account_gone()
        self._known[key] = (user.identity, self.seconds() + REMEMBERED_S)
        if len(self._known) > self.remembered_max:
            self._known.popitem(last=False)
        return user.identity

    def _remembered(self, key: str) -> PydanticObjectId | None:
        user_id, until = self._known.get(key, (None, 0))
        if user_id is None or user_id in self.erased or self.seconds() >= until:
            self._known.pop(key, None)
            return None
        self._known.move_to_end(key)
        return user_id

    async def _arrived(self, key: str, claims: OutsideClaims) -> User:
        """A new account, or the one that another request has just made."""
        erased_at = await Erasure.asked_for(key)
        if erased_at is not None and claims.issued_at <= erased_at + LEEWAY:
            raise account_gone()
        user = User(
            email=_email(claims.email),
            email_key=key,
            name=_name(claims),
            issuer=self.issuer,
            subject=claims.subject,
            created_at=self.clock(),
        )
        if await user.insert_if_free():
            _log.info("account_made_on_first_sight", user=str(user.identity))
            return user
        if other := await User.with_email_key(key):
            return other
        raise account_gone()


def subject_key(issuer: str, subject: str) -> str:
    """What an account of an outside issuer is found by; no e-mail address looks like it, and it names nobody."""
    return "outside:" + hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()


def _email(given: str | None) -> str | None:
    try:
        return EmailAddress.parse(given).given if given else None
    except (AppError, UnicodeError):
        return None


def _name(claims: OutsideClaims) -> str:
    """The person's name; else what stands before the @ of the address, else a word for people without one."""
    for text in (claims.name, (claims.email or "").partition("@")[0]):
        try:
            return parse_name(text or "")
        except AppError:
            continue
    return _NAMELESS
