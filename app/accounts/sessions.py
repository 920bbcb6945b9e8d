"""Opening, continuing and ending sessions: the rotation of refresh tokens, and what gives a thief away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.accounts.ended import Ended
from app.accounts.model import Session, SessionEnd
from app.accounts.refresh_tokens import RefreshToken, RefreshTokens
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.logs import logger

_log = logger(__name__)
_LEARN_EVERY_S = 2.0
_REMEMBERED = timedelta(minutes=30)
"""Twice as long as an access token lives."""
_USER_AGENT_MAX_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end: the network address and the browser's `User-Agent`, null when unknown."""

    address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class SessionLifetime:
    """How long a session lives: `idle` after each refresh, `longest` in all.

    For `grace` after a refresh the token it replaced still leads to the same next one: for two tabs that refresh
    at once, and for an answer that was lost on its way.
    """

    idle: timedelta = timedelta(days=30)
    longest: timedelta = timedelta(days=180)
    grace: timedelta = timedelta(seconds=10)

    def expires_at(self, created_at: datetime, used_at: datetime) -> datetime:
        """When a session ends that was last used at `used_at`."""
        return min(used_at + self.idle, created_at + self.longest)


@dataclass(frozen=True, slots=True)
class Sessions:
    """The life of sessions; each change is one conditional update of one document.

    `ended` are those that ended before their time, in any process: their access tokens are refused, and what is open
    for them is closed.
    """

    refresh_tokens: RefreshTokens
    lifetime: SessionLifetime = SessionLifetime()
    clock: Callable[[], datetime] = utc_now
    ended: Ended = field(default_factory=Ended)

    async def open(self, user_id: PydanticObjectId, client: Client) -> tuple[Session, RefreshToken]:
        """A new session and its first token."""
        now, session_id = self.clock(), PydanticObjectId()
        token = self.refresh_tokens.first(session_id)
        session = Session(
            id=session_id,
            user_id=user_id,
            token_hash=token.hash,
            created_at=now,
            last_used_at=now,
            expires_at=self.lifetime.expires_at(now, now),
            address=client.address,
            user_agent=client.user_agent and client.user_agent[:_USER_AGENT_MAX_CHARACTERS],
        )
        await session.insert()
        return session, token

    async def refresh(self, text: str) -> tuple[Session, RefreshToken]:
        """The session of a token and its next token; the token is used up.

        Raises:
            AppError: UNAUTHENTICATED, with what happened.
        """
        token = self.refresh_tokens.read(text)
        if token is None:
            raise log_in_again("The refresh token is not valid.")
        now, successor = self.clock(), self.refresh_tokens.successor(token)
        session = await Session.get(token.session_id)
        if session and session.token_hash == token.hash and session.is_alive(now):
            expires_at = self.lifetime.expires_at(session.created_at, now)
            # Null: a refresh or a log-out was faster, and what it left decides.
            session = await session.rotate(successor.hash, now, expires_at) or await Session.get(token.session_id)
        return await self._continued(session, successor, now), successor

    async def end(self, session_id: PydanticObjectId) -> None:
        """Log out; again is as good as once."""
        await self._end(session_id, SessionEnd.LOGGED_OUT)

    async def end_with(self, text: str) -> None:
        """Log out with a refresh token of the session; with one that is not valid there is nothing to end."""
        if token := self.refresh_tokens.read(text):
            await self.end(token.session_id)

    async def learn(self) -> None:
        """Know which sessions were ended in any process."""
        since = self.clock() - _REMEMBERED
        self.ended.learn(await Session.revoked_since(since), since)

    async def keep_known(self) -> None:
        """For ever: learn every 2 seconds."""
        while True:
            try:
                await self.learn()
            except PyMongoError as error:  # while it is away nobody can do anything here anyway
                _log.warning("ended_sessions_not_known", reason=type(error).__name__)
            await asyncio.sleep(_LEARN_EVERY_S)

    async def _end(self, session_id: PydanticObjectId, end: SessionEnd) -> None:
        now = self.clock()
        await Session.revoke(session_id, end, now)
        self.ended.learn({session_id: now}, now - _REMEMBERED)

    async def _continued(self, session: Session | None, successor: RefreshToken, now: datetime) -> Session:
        """The session, if the successor is its newest token and was made just now, by whichever refresh."""
        if session is None or (session.revoked_at is None and not session.is_alive(now)):
            raise log_in_again("This session has expired.")
        if session.end is SessionEnd.LOGGED_OUT:
            raise log_in_again("This session was logged out.")
        if session.end is None:
            rotated_at = session.rotated_at
            if session.token_hash == successor.hash and rotated_at and now <= rotated_at + self.lifetime.grace:
                return session
            await self._end(session.identity, SessionEnd.REUSED)
        raise log_in_again(
            "This session was ended because an old refresh token of it was used again, as a thief would do."
        )


def log_in_again(why: str) -> AppError:
    """UNAUTHENTICATED, with what happened and what to do."""
    return AppError(ErrorCode.UNAUTHENTICATED, f"{why} Log in again.")


def session_gone() -> AppError:
    """UNAUTHENTICATED, for what comes from a session that ended before its time."""
    return log_in_again("This session was ended.")


def account_gone() -> AppError:
    """UNAUTHENTICATED, for what comes from somebody whose account was erased."""
    return log_in_again("This account does not exist any more.")
