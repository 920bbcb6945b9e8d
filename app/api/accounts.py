"""Accounts: sign up, log in, stay logged in, log out; and the viewer with all that is theirs."""

from datetime import datetime
from typing import Annotated, Any, Self

import strawberry
from beanie import PydanticObjectId

from app.access import is_oneself
from app.accounts import model as stored
from app.accounts.service import SignedIn
from app.api.batches import ViewerBatches
from app.api.comparing import ViewerComparisons
from app.api.connections import After, First, Listing, Page
from app.api.context import Info, viewer
from app.api.derived import derived, deriving
from app.api.enums import Status, UsagePeriod
from app.api.errors import UserError, errors_in
from app.api.gallery import OrnamentGallery
from app.api.generations import Generation, GenerationConnection
from app.api.ids import USER, global_id
from app.api.journal import Journal
from app.api.node import ID_WORDS, INPUT, Node
from app.api.project_listing import ViewerProjects
from app.api.selections import selected
from app.api.templates import ViewerTemplates
from app.api.usage import Usage, usage_of
from app.errors import AppError
from app.generations import model as stored_generations

TYPE_NAME, VIEWER_TYPE_NAME = USER, "Viewer"


@strawberry.type(description="A person with an account.")
class User(Node):
    """Shown from the document, to that person alone."""

    email: str | None = strawberry.field(
        description="As it was given at sign-up, or by the issuer that keeps the account; null if that gave none."
    )
    name: str = strawberry.field(description="How the person wants to be called.")
    created_at: datetime = strawberry.field(description="When the account was made.")
    is_administrator: bool = strawberry.field(
        description="Whether the account may run diagnostics; whoever runs the server decides that."
    )

    @classmethod
    def of(cls, user: stored.User) -> Self:
        """The user of a document."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, user.identity)),
            email=user.email,
            name=user.name,
            created_at=user.created_at,
            is_administrator=user.is_admin,
        )


@strawberry.type(description="The tokens of a log-in.")
class Session:
    """Both are secrets of the client."""

    access_token: str = strawberry.field(
        description="Send it as `Authorization: Bearer TOKEN`; on a WebSocket the same in `authorization` of the "
        "connectionParams."
    )
    access_token_expires_at: datetime = strawberry.field(description="When to have called `refreshSession`.")
    refresh_token: str = strawberry.field(description="Good for one `refreshSession`, which gives the next one.")
    refresh_token_expires_at: datetime = strawberry.field(description="When to log in again.")

    @classmethod
    def of(cls, signed_in: SignedIn) -> Self:
        """The tokens alone."""
        return cls(
            access_token=signed_in.access_token,
            access_token_expires_at=signed_in.access_expires_at,
            refresh_token=signed_in.refresh_token,
            refresh_token_expires_at=signed_in.refresh_expires_at,
        )


def _account(shown: strawberry.Parent["Viewer"], info: Info) -> Any:
    """The account."""
    return User.of(shown.account) if shown.account else _read_account(shown, info)


async def _read_account(shown: "Viewer", info: Info) -> User:
    return User.of(await info.context.services.accounts.user(shown.owner_id))


@deriving
@strawberry.type(description="Who asks, and what is theirs.")
class Viewer(Node, OrnamentGallery, Journal, ViewerTemplates, ViewerComparisons, ViewerBatches, ViewerProjects):
    """The entry to everything that belongs to one person."""

    id: strawberry.ID = derived(ID_WORDS, lambda shown: global_id(VIEWER_TYPE_NAME, shown.owner_id))
    user: User = strawberry.field(resolver=_account)
    account: strawberry.Private[stored.User | None] = None

    @classmethod
    def of(cls, user: stored.User) -> Self:
        """The viewer of a user."""
        return cls(owner_id=user.identity, account=user)

    @strawberry.field
    async def generations(
        self,
        status: Annotated[list[Status] | None, strawberry.argument(description="Only those with one of these.")] = None,
        first: First = None,
        after: After = None,
    ) -> GenerationConnection:
        """The viewer's generations, newest first."""
        owner_id = self.owner_id
        page = Page(Listing("generations", owner_id), first, after)
        older_than, limit = page.stretch.older_than, page.stretch.limit
        found = await stored_generations.Generation.page(owner_id, status, older_than, limit)
        return GenerationConnection.of([(one.identity, Generation.of(one)) for one in found], page)

    @strawberry.field
    async def usage(
        self,
        info: Info,
        period: Annotated[UsagePeriod, strawberry.argument(description="Of which days.")] = UsagePeriod.LAST_30_DAYS,
    ) -> Usage:
        """What the viewer's calls to providers used and cost, by the ledgers of the generations."""
        return await usage_of(info, self.owner_id, period)


async def find(info: Info, identity: PydanticObjectId) -> User | None:
    """The viewer's own account."""
    who = viewer(info)
    return User.of(await info.context.services.accounts.user(identity)) if is_oneself(who.user_id, identity) else None


async def find_viewer(info: Info, identity: PydanticObjectId) -> Viewer | None:
    """The viewer, fetched again."""
    who = viewer(info)
    return Viewer.of(await info.context.services.accounts.user(identity)) if is_oneself(who.user_id, identity) else None


@strawberry.input(description="Who wants an account.")
class SignUpInput:
    """What `signUp` takes."""

    email: str = strawberry.field(description="One account an address.")
    password: str = strawberry.field(description="8 to 256 characters.")
    name: str = strawberry.field(description="How you want to be called, 1 to 100 characters.")


@strawberry.input(description="Who comes back.")
class LogInInput:
    """What `logIn` takes."""

    email: str = strawberry.field(description="The address of the account.")
    password: str = strawberry.field(description="Its password.")


@strawberry.input(description="A token that was not used yet.")
class RefreshSessionInput:
    """What `refreshSession` takes."""

    refresh_token: str = strawberry.field(description="The latest one.")


@strawberry.input(description="Which session to end.")
class LogOutInput:
    """What `logOut` takes."""

    refresh_token: str | None = strawberry.field(
        default=None, description="The session's; unset: the session of the access token that this call is made with."
    )


@strawberry.type(description="A new session, or why there is none.")
class SignUpPayload:
    """What `signUp` answers."""

    session: Session | None = strawberry.field(default=None, description="The tokens.")
    viewer: Viewer | None = strawberry.field(default=None, description="The new account.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was refused.")


@strawberry.type(description="A new session, or why there is none.")
class LogInPayload:
    """What `logIn` answers."""

    session: Session | None = strawberry.field(default=None, description="The tokens.")
    viewer: Viewer | None = strawberry.field(default=None, description="The account.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was refused.")


@strawberry.type(description="The next tokens of a session, or why there are none.")
class RefreshSessionPayload:
    """What `refreshSession` answers."""

    session: Session | None = strawberry.field(default=None, description="The tokens; the old ones are used up.")
    viewer: Viewer | None = strawberry.field(default=None, description="The account.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was refused.")


@strawberry.type(description="The session is over.")
class LogOutPayload:
    """What `logOut` answers."""

    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was refused.")


@strawberry.type
class AccountQuery:
    """Fields of the query root."""

    @strawberry.field
    async def viewer(self, info: Info) -> Viewer | None:
        """Who asks, by the access token; UNAUTHENTICATED when nobody is logged in."""
        user_id = viewer(info).user_id
        if "user" not in selected(info):  # the token says who it is, and that they are known here
            return Viewer(owner_id=user_id)
        return Viewer.of(await info.context.services.accounts.user(user_id))


@strawberry.type
class AccountMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(SignUpPayload)
    async def sign_up(self, info: Info, input: Annotated[SignUpInput, INPUT]) -> SignUpPayload | None:
        """Make an account, and log in to it. FORBIDDEN where an outside issuer keeps the accounts."""
        context = info.context
        signed_in = await context.services.accounts.sign_up(input.email, input.password, input.name, context.client)
        return SignUpPayload(session=Session.of(signed_in), viewer=Viewer.of(signed_in.user))

    @strawberry.mutation
    @errors_in(LogInPayload)
    async def log_in(self, info: Info, input: Annotated[LogInInput, INPUT]) -> LogInPayload | None:
        """Open a session. Too many failures for an account or from an address are RATE_LIMITED for a while.

        FORBIDDEN where an outside issuer keeps the accounts: log in there, and send its access token.
        """
        context = info.context
        signed_in = await context.services.accounts.log_in(input.email, input.password, context.client)
        return LogInPayload(session=Session.of(signed_in), viewer=Viewer.of(signed_in.user))

    @strawberry.mutation
    @errors_in(RefreshSessionPayload)
    async def refresh_session(
        self, info: Info, input: Annotated[RefreshSessionInput, INPUT]
    ) -> RefreshSessionPayload | None:
        """Exchange a refresh token for new tokens. One that comes a second time, later than 10 s, ends the session."""
        try:
            signed_in = await info.context.services.accounts.refresh(input.refresh_token)
        except AppError as error:
            raise error.at("input", "refreshToken") from error
        return RefreshSessionPayload(session=Session.of(signed_in), viewer=Viewer.of(signed_in.user))

    @strawberry.mutation
    @errors_in(LogOutPayload)
    async def log_out(self, info: Info, input: Annotated[LogOutInput | None, INPUT] = None) -> LogOutPayload | None:
        """End a session: its tokens are worthless, its sockets and streams are closed, everywhere within 5 seconds.

        A session that an outside issuer keeps is ended there: here that is BAD_USER_INPUT.
        """
        accounts = info.context.services.accounts
        if input is not None and input.refresh_token is not None:
            await accounts.log_out_with(input.refresh_token)
        else:
            await accounts.log_out(viewer(info).session_id)
        return LogOutPayload()
