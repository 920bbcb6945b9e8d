"""The use cases of accounts: sign up, log in, stay logged in, log out, delete the account."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from beanie import PydanticObjectId

from app.accounts.attempts import AttemptLimiter
from app.accounts.erasing import Erasures
from app.accounts.identity import EmailAddress, parse_name
from app.accounts.model import Session, User
from app.accounts.outside.issuer import OutsideIssuer
from app.accounts.passwords import PasswordHasher, check_password
from app.accounts.refresh_tokens import RefreshToken
from app.accounts.sessions import Client, Sessions, account_gone, session_gone
from app.accounts.tokens import TokenSigner
from app.database.document import utc_now
from app.errors import AppError, ErrorCode, bad_input

_FRESH: Final = timedelta(minutes=5)
"""For so long after a log-in at an outside issuer its token proves as much as a password."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who makes a request, by their access token, and until when it speaks for them.

    With a token of an outside issuer there is no session, and `proven_at` is when the person last logged in there.
    """

    user_id: PydanticObjectId
    session_id: PydanticObjectId | None
    expires_at: datetime
    proven_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user and the two tokens of their session; each refresh token is good for one refresh."""

    user: User
    access_token: str = field(repr=False)
    access_expires_at: datetime
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Accounts:
    """What people do with their accounts; passwords and tokens are neither logged nor stored as they are."""

    passwords: PasswordHasher
    attempts: AttemptLimiter
    tokens: TokenSigner
    sessions: Sessions
    erasures: Erasures
    outside: OutsideIssuer | None = None
    clock: Callable[[], datetime] = utc_now

    async def sign_up(self, email: str, password: str, name: str, client: Client) -> SignedIn:
        """Make an account and open its first session.

        Raises:
            AppError: BAD_USER_INPUT; CONFLICT if the address has an account; RATE_LIMITED; UNAVAILABLE when
                too many people log in at once; FORBIDDEN where an outside issuer does that.
        """
        self._require_own()
        address, name = EmailAddress.parse(email), parse_name(name)
        check_password(password)
        await self.attempts.count_sign_up(client.address)
        user = User(
            email=address.given,
            email_key=address.key,
            name=name,
            password_hash=await self.passwords.hash(password),
            created_at=self.clock(),
        )
        if not await user.insert_if_free():
            raise AppError(
                ErrorCode.CONFLICT,
                "This e-mail address has an account already. Log in, or sign up with another address.",
                path=("input", "email"),
            )
        return self._signed_in(user, *await self.sessions.open(user.identity, client))

    async def log_in(self, email: str, password: str, client: Client) -> SignedIn:
        """Open a session.

        Raises:
            AppError: UNAUTHENTICATED, the same whether the address or the password is wrong; BAD_USER_INPUT
                for what is no address; RATE_LIMITED; UNAVAILABLE when too many people log in at once; FORBIDDEN
                where an outside issuer does that.
        """
        self._require_own()
        key = EmailAddress.parse(email).key
        await self.attempts.count_log_in(key, client.address)
        user = await User.with_email_key(key)
        matches = await self.passwords.verify(password, user and user.password_hash)
        if user is None or user.password_hash is None or not matches:
            raise AppError(
                ErrorCode.UNAUTHENTICATED,
                "The e-mail address or the password is wrong. Check both and log in again.",
                path=("input",),
            )
        await self.attempts.forgive_log_in(key, client.address)
        if self.passwords.needs_rehash(user.password_hash):
            await User.replace_password_hash(user.identity, user.password_hash, await self.passwords.hash(password))
        return self._signed_in(user, *await self.sessions.open(user.identity, client))

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Exchange a refresh token for a new pair; it is used up.

        For a short grace after that it gives the same next refresh token again. Used later than that, somebody
        else holds it, and the session ends for all who do.

        Raises:
            AppError: UNAUTHENTICATED, with what happened; FORBIDDEN where an outside issuer does that.
        """
        self._require_own()
        session, token = await self.sessions.refresh(refresh_token)
        return self._signed_in(await self.user(session.user_id), session, token)

    async def log_out(self, session_id: PydanticObjectId | None) -> None:
        """End a viewer's session; again is as good as once. Other processes refuse its access tokens in 5 seconds.

        Raises:
            AppError: BAD_USER_INPUT when there is none, because an outside issuer has it.
        """
        if session_id is None:
            issuer = self.outside.name if self.outside else "its issuer"
            message = (
                f"The session of this access token is kept by {issuer}: log out there. It is good until it expires."
            )
            raise AppError(ErrorCode.BAD_USER_INPUT, message)
        await self.sessions.end(session_id)

    async def log_out_with(self, refresh_token: str) -> None:
        """End the session of a refresh token; with one that is not valid there is nothing to end."""
        await self.sessions.end_with(refresh_token)

    async def delete(
        self, user_id: PydanticObjectId, password: str | None, client: Client, proven_at: datetime | None = None
    ) -> None:
        """Erase a viewer's account; to ask for it again is safe.

        An account of an outside issuer has no password: who has just logged in there (`proven_at`) may erase it.

        From now on it does not exist here. Every other process refuses its tokens within 5 seconds, or as soon as it
        reaches the database again, without which it serves nobody. What was the user's is erased by the sweep.

        Raises:
            AppError: UNAUTHENTICATED, with a path when the password is wrong, which counts as a failed log-in;
                or the log-in at the issuer is too long ago; BAD_USER_INPUT without a password that is needed;
                RATE_LIMITED; UNAVAILABLE when too many people log in at once.
        """
        user = await self.user(user_id)
        if user.issuer is not None:
            self._require_fresh(proven_at)
            await self.erasures.begin(user.identity, user.email_key)
            return
        if password is None:
            raise bad_input("Say the password of the account.", "input", "password")
        await self.attempts.count_log_in(user.email_key, client.address)
        if not await self.passwords.verify(password, user.password_hash):
            message = "The password is wrong. Nothing was deleted."
            raise AppError(ErrorCode.UNAUTHENTICATED, message, path=("input", "password"))
        await self.attempts.forgive_log_in(user.email_key, client.address)
        await self.erasures.begin(user.identity)

    async def recognise(self, access_token: str) -> Viewer:
        """Who an access token speaks for, one of ours or of the outside issuer.

        Raises:
            AppError: UNAUTHENTICATED, with what is wrong with it; UNAVAILABLE when an outside issuer's key, or who
                comes from there for the first time, can't be looked up.
        """
        if self.outside is None or not self.outside.means(access_token):
            return self.viewer(access_token)
        claims = await self.outside.tokens.read(access_token)
        return Viewer(await self.outside.arrivals.user_id(claims), None, claims.expires_at, claims.proven_at)

    def viewer(self, access_token: str) -> Viewer:
        """Who an access token of ours speaks for; asks no database.

        Raises:
            AppError: UNAUTHENTICATED; the message tells an expired token from one that never was good, and from one
                of an account that was erased or of a session that was ended.
        """
        claims = self.tokens.read(access_token)
        if claims.user_id in self.erasures.erased:
            raise account_gone()
        if claims.session_id in self.sessions.ended:
            raise session_gone()
        return Viewer(claims.user_id, claims.session_id, claims.expires_at)

    async def user(self, user_id: PydanticObjectId) -> User:
        """A viewer's own account.

        Raises:
            AppError: UNAUTHENTICATED if it was erased while the viewer's tokens were still good.
        """
        if user := await User.get(user_id):
            return user
        raise account_gone()

    def nobody(self) -> AppError:
        """UNAUTHENTICATED, for who sends no access token: where to get one."""
        own = self.outside is None or self.outside.beside
        sources = ["of `logIn` or `signUp`"] * own + ([f"of {self.outside.name}"] if self.outside else [])
        message = f"Log in first: send the access token {' or '.join(sources)} as `Authorization: Bearer TOKEN`."
        return AppError(ErrorCode.UNAUTHENTICATED, message)

    async def close(self) -> None:
        """Close what leads to an outside issuer."""
        if self.outside:
            await self.outside.jwks.close()

    def _require_own(self) -> None:
        if self.outside and not self.outside.beside:
            message = f"Accounts are kept by {self.outside.name}: log in there, and send its access token."
            raise AppError(ErrorCode.FORBIDDEN, message)

    def _require_fresh(self, proven_at: datetime | None) -> None:
        if proven_at is None or proven_at + _FRESH < self.clock():
            minutes = round(_FRESH.total_seconds() / 60)
            message = (
                f"Log in again where your account is kept, and send that access token within {minutes} minutes: "
                "it stands for the password. Nothing was deleted."
            )
            raise AppError(ErrorCode.UNAUTHENTICATED, message, path=("input",))

    def _signed_in(self, user: User, session: Session, token: RefreshToken) -> SignedIn:
        access_token, access_expires_at = self.tokens.issue(user.identity, session.identity)
        return SignedIn(user, access_token, access_expires_at, token.text, session.expires_at)
