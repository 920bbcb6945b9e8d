"""Drives the explorer in a browser, the way a person does: writes into its editors, runs, reads the answer."""

import json
from pathlib import Path
from typing import Any, Literal, Self

from playwright.async_api import BrowserContext, Locator, Page, Request, WebSocket

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

type Editor = Literal["operation.graphql", "variables.json", "request-headers.json", "response.json"]

_MODEL = "globalThis.__MONACO?.editor.getModels().find((model) => model.uri.path.endsWith(name))"
_WRITE = f"([name, text]) => {_MODEL}.setValue(text)"
_READ = f"(name) => {_MODEL}.getValue()"
_READY = (
    "(names) => globalThis.__MONACO && names.every((name) =>"
    " globalThis.__MONACO.editor.getModels().some((model) => model.uri.path.endsWith(name)))"
)
_ANSWERED = f"([name, part]) => {{ const text = {_MODEL}.getValue(); return text !== '' && text.includes(part); }}"
_DROP = """([name, type]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["content"], name, { type }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""
_EDITORS: tuple[Editor, ...] = ("operation.graphql", "variables.json", "request-headers.json", "response.json")


class ExplorerPage:
    """One browser tab with the explorer in it, and a record of what it asked for and complained about."""

    def __init__(self, page: Page, address: str) -> None:
        """Watch `page`; `address` is the server's, such as `http://127.0.0.1:8000`."""
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        self.sockets: list[WebSocket] = []
        page.on("request", self._note_request)
        page.on("websocket", self._note_socket)
        page.on("console", lambda message: self._complain(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @classmethod
    async def new(cls, context: BrowserContext, address: str) -> Self:
        """Make a tab of `context` and open the explorer in it."""
        explorer = cls(await context.new_page(), address)
        await explorer.open()
        return explorer

    async def open(self) -> None:
        """Load the page; done when its editors are there and the schema has come."""
        async with self.page.expect_response(
            lambda response: "IntrospectionQuery" in (response.request.post_data or "")
        ):
            await self.page.goto(f"{self.address}/graphql")
        await self.page.wait_for_function(_READY, arg=list(_EDITORS))

    async def open_tab(self, name: str) -> None:
        """Go to the tab of the operation `name`."""
        await self.page.get_by_role("tab", name=name, exact=True).click()

    async def set_query(self, text: str) -> None:
        """Replace what the operation editor holds."""
        await self._write("operation.graphql", text)

    async def set_variables(self, variables: dict[str, Any]) -> None:
        """Replace what the variables editor holds."""
        await self._write("variables.json", json.dumps(variables, indent=2))

    async def set_headers(self, headers: dict[str, str]) -> None:
        """Replace what the headers editor holds."""
        await self._write("request-headers.json", json.dumps(headers, indent=2))

    async def query(self) -> str:
        """What the operation editor holds."""
        return await self._read("operation.graphql")

    async def variables(self) -> dict[str, Any]:
        """What the variables editor holds; it must be JSON."""
        variables: dict[str, Any] = json.loads(await self._read("variables.json") or "{}")
        return variables

    async def run(self) -> None:
        """Press the play button; a running subscription is stopped by it."""
        await self.page.locator(".graphiql-execute-button").click()

    async def result(self, containing: str = "") -> dict[str, Any]:
        """Wait for an answer, or a subscription's event, whose text contains `containing`."""
        await self.page.wait_for_function(_ANSWERED, arg=["response.json", containing])
        answer: dict[str, Any] = json.loads(await self._read("response.json"))
        return answer

    async def execute(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write an operation and its variables, run it, and wait for its answer."""
        await self.set_query(query)
        await self.set_variables(variables or {})
        await self.run()
        return await self.result()

    async def bind_file(self, path: Path, variable_path: str | None = None) -> Locator:
        """Choose a file, for `variable_path` or for the first that the page offers; returns the file's card."""
        await self.page.locator("input[type=file]").set_input_files(path)
        card = self.page.locator(".regen-file").last
        if variable_path is not None:
            await card.get_by_role("combobox").select_option(variable_path)
        return card

    async def drop_file(self, name: str, kind: str) -> None:
        """Drop a small file of the MIME type `kind` onto the page."""
        await self.page.evaluate(_DROP, [name, kind])

    async def bound_paths(self) -> list[str]:
        """The variable path of each chosen file, in their order; empty where it isn't sent."""
        selects = await self.page.locator(".regen-file select").all()
        return [await select.input_value() for select in selects]

    async def remove_files(self) -> None:
        """Take every chosen file off the page."""
        while await self.page.locator(".regen-remove").count():
            await self.page.locator(".regen-remove").first.click()

    async def pictures(self) -> list[str]:
        """Wait for the strip of pictures and for each one's pixels; their addresses."""
        images = self.page.locator(".regen-pictures img")
        await images.first.wait_for()
        await self.page.wait_for_function(
            "() => [...document.querySelectorAll('.regen-pictures img')].every((image) => image.naturalWidth > 0)"
        )
        return [await image.get_attribute("src") or "" for image in await images.all()]

    @property
    def session(self) -> Locator:
        """Where the page says "Signed in" or "Not signed in"."""
        return self.page.locator(".regen-session")

    async def access_token(self) -> str | None:
        """The token that the page keeps."""
        token: str | None = await self.page.evaluate("sessionStorage.getItem('regen.accessToken')")
        return token

    def foreign_addresses(self) -> list[str]:
        """Every address outside the server that the page asked for; there should be none."""
        own = (self.address, "data:", "blob:", self.address.replace("http", "ws", 1))
        asked = [request.url for request in self.requests] + [socket.url for socket in self.sockets]
        return [url for url in asked if not url.startswith(own)]

    async def _write(self, editor: Editor, text: str) -> None:
        await self.page.evaluate(_WRITE, [editor, text])

    async def _read(self, editor: Editor) -> str:
        text: str = await self.page.evaluate(_READ, editor)
        return text

    def _note_request(self, request: Request) -> None:
        self.requests.append(request)

    def _note_socket(self, made: WebSocket) -> None:
        self.sockets.append(made)

    def _complain(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{kind}: {text}")
