"""Drives `/diagnostics` in a browser, the way a person does."""

from typing import Any, Self

from playwright.async_api import BrowserContext, Locator, Page, Request, WebSocket

_LOADED = "() => [...document.querySelectorAll('.suite:not([hidden]) img')].every((image) => image.naturalWidth > 0)"


class DiagnosticsPage:
    """One browser tab with the page in it, and a record of what it asked for and complained about."""

    def __init__(self, page: Page, address: str) -> None:
        """Watch `page`; `address` is the server's."""
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.sockets: list[WebSocket] = []
        page.on("request", self._note_request)
        page.on("websocket", self._note_socket)
        page.on("console", lambda message: self._complain(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @classmethod
    async def new(cls, context: BrowserContext, address: str) -> Self:
        """Make a tab of `context` and open the page in it."""
        opened = cls(await context.new_page(), address)
        await opened.page.goto(f"{address}/diagnostics")
        return opened

    async def sign_in(self, email: str, password: str) -> None:
        """With an address and a password."""
        await self.page.get_by_label("E-mail address").fill(email)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in", exact=True).click()

    async def choose(self, suite: str) -> None:
        """Toggle to the suite of that title."""
        await self.page.get_by_role("radio", name=suite).check()

    async def run(self) -> None:
        """Start the chosen suite."""
        await self.page.get_by_role("button", name="Run tests").click()

    async def done(self, words: str = "Done") -> str:
        """Wait until the summary says so; what it says."""
        summary = self.page.locator("#summary", has_text=words)
        await summary.wait_for()
        return await summary.inner_text()

    def test(self, name: str) -> Locator:
        """The card of a test."""
        return self.page.locator(f"[data-test={name}]")

    async def statuses(self) -> list[str | None]:
        """Those of the suite that is shown, in order."""
        cards = self.page.locator(".suite:not([hidden]) .test")
        return [await card.get_attribute("data-status") for card in await cards.all()]

    async def pictures(self) -> list[Any]:
        """Wait for the pixels of all that are shown; what each is of."""
        for image in await self.page.locator(".suite:not([hidden]) img").all():
            await image.scroll_into_view_if_needed()
        await self.page.wait_for_function(_LOADED)
        return [await image.get_attribute("alt") for image in await self.page.locator(".suite:not([hidden]) img").all()]

    def foreign_addresses(self) -> list[str]:
        """Every address outside the server that the page asked for; there should be none."""
        own = (self.address, "data:", self.address.replace("http", "ws", 1))
        return [url for url in [*self.asked, *(one.url for one in self.sockets)] if not url.startswith(own)]

    def _note_request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _note_socket(self, made: WebSocket) -> None:
        self.sockets.append(made)

    def _complain(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{kind}: {text}")
