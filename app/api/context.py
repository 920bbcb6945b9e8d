"""What a resolver finds in `info.context`: the use cases, the viewer, and loaders."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from strawberry import Info as StrawberryInfo

from app.accounts.networks import network
from app.accounts.service import Viewer
from app.accounts.sessions import Client
from app.api.edge import Edge
from app.api.loaders import Loaders, make_loaders
from app.api.services import Services
from app.api.sharing.outlets import Outlet
from app.errors import AppError, ErrorCode
from app.generations.model import Generation

type ShowResult = Callable[[Info, Generation], Awaitable[Any]]
"""Shows what a succeeded generation made, as the GraphQL type of its kind; null when it is gone."""


@dataclass(slots=True)
class Context:
    """One HTTP request, or one WebSocket with all its operations.

    `show_result` shows what a succeeded generation made. `refused` is why the token that came with it is not
    accepted: it matters only to operations that need a viewer. `connection_params` is what a WebSocket client
    sent first. `leave` gives a WebSocket's seat back. `outlet` is where a subscription's results go; null where they go
    to whoever reads them.
    """

    services: Services
    request_id: str
    base_url: str
    client: Client
    show_result: ShowResult
    viewer: Viewer | None = None
    refused: AppError | None = None
    connection_params: Mapping[str, object] | None = None
    edge: Edge = field(default_factory=Edge)
    leave: Callable[[], None] = lambda: None
    outlet: Outlet | None = None
    _loaders: Loaders | None = None

    @property
    def loaders(self) -> Loaders:
        """Those of this context, made when they are first needed."""
        if self._loaders is None:
            self._loaders = make_loaders()
        return self._loaders

    @property
    def party(self) -> str | None:
        """Who answers for what is asked: the viewer, or nobody's network; null when that is not known."""
        if self.viewer is not None:
            return f"user/{self.viewer.user_id}"
        return None if self.client.address is None else f"address/{network(self.client.address)}"

    def of_operation(self) -> "Context":
        """The same for one operation of a WebSocket, with loaders of its own."""
        return replace(self, _loaders=None)

    async def authenticate(self, authorization: str | None) -> None:
        """Read `Bearer TOKEN`; what is wrong with it is kept for the operations that need a viewer."""
        self.viewer = self.refused = None
        if not authorization:
            return
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            message = "The Authorization header must be `Bearer` and an access token."
            self.refused = AppError(ErrorCode.UNAUTHENTICATED, message)
            return
        try:
            self.viewer = await self.services.accounts.recognise(token.strip())
        except AppError as error:
            self.refused = error


type Info = StrawberryInfo[Context, None]


def viewer(info: Info) -> Viewer:
    """Who asks.

    Raises:
        AppError: UNAUTHENTICATED when nobody is logged in, or the token is not accepted.
    """
    return who_asks(info.context)


def who_asks(context: Context) -> Viewer:
    """The viewer of a context.

    Raises:
        AppError: UNAUTHENTICATED when nobody is logged in, or the token is not accepted.
    """
    if context.viewer is None:
        raise context.refused or context.services.accounts.nobody()
    return context.viewer
