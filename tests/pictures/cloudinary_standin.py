"""A stand-in that speaks Cloudinary's wire format, written from its description and not from our adapter."""

import asyncio
import base64
import contextlib
import hashlib
import io
import re
import socket
import threading
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLOUD, KEY, SECRET = "shop", "1234567890", "abcdefSECRETghij"
_DELIVERED = re.compile(r"(s--[\w-]{8}--)/(?:([a-z]+_[\w,]+)/)?v(\d+)/(.+)\.(jpg|png|webp)")


@dataclass(frozen=True)
class Asset:
    """A stored picture."""

    data: bytes
    version: int


@dataclass
class Standin:
    """The running server, what it keeps and what it saw.

    `answers` are given to the next calls instead of doing anything; `late` ones after it was done. With `holds` calls
    wait, whole, for `go_on`; one whose client goes before does nothing and sets `disconnected`.
    """

    url: str
    assets: dict[str, Asset] = field(default_factory=dict[str, Asset])
    seen: list[str] = field(default_factory=list[str])
    ports: set[int] = field(default_factory=set[int])
    fields: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    answers: deque[Response] = field(default_factory=deque[Response])
    late: deque[Response] = field(default_factory=deque[Response])
    holds: bool = False
    held: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    disconnected: threading.Event = field(default_factory=threading.Event)

    def clear(self) -> None:
        for kept in (self.assets, self.seen, self.ports, self.fields, self.answers, self.late):
            kept.clear()
        self.holds = False
        for event in (self.held, self.go_on, self.disconnected):
            event.clear()

    @property
    def account(self) -> str:
        """The CLOUDINARY_URL."""
        return f"cloudinary://{KEY}:{SECRET}@{CLOUD}"


def error(status: int, message: str, **headers: str) -> Response:
    """How Cloudinary says it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": {"message": message}}, status, headers=named)


@dataclass(frozen=True)
class _App:
    standin: Standin

    async def call(self, request: Request) -> Response:
        standin = self.standin
        standin.ports.add(request.client.port if request.client else 0)
        try:
            async with request.form() as form:
                standin.seen.append(request.path_params["action"])
                if standin.answers:
                    return standin.answers.popleft()
                if standin.holds and not await self._goes_on(request):
                    return Response(status_code=499)
                return await self._done(request, form)
        except ClientDisconnect:
            standin.disconnected.set()
            return Response(status_code=499)

    async def _done(self, request: Request, form: FormData) -> Response:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        self.standin.fields.append(fields)
        if request.path_params["cloud"] != CLOUD or not _is_signed(fields):
            return error(401, f"Invalid Signature {fields.get('signature')}. String to sign - 'public_id=...'.")
        is_upload = request.path_params["action"] == "upload"
        answer = await self._upload(form, fields) if is_upload else self._destroy(fields)
        return self.standin.late.popleft() if self.standin.late else answer

    async def _goes_on(self, request: Request) -> bool:
        """Wait for the test; false when the client goes first."""
        self.standin.held.set()
        gone = asyncio.ensure_future(request.receive())
        while not gone.done() and not self.standin.go_on.is_set():
            await asyncio.wait([gone], timeout=0.02)
        if gone.done():
            self.standin.disconnected.set()
            return False
        gone.cancel()
        return True

    async def _upload(self, form: FormData, fields: dict[str, str]) -> Response:
        file, name = form["file"], fields["public_id"]
        if not isinstance(file, UploadFile) or fields["type"] != "authenticated":
            return error(400, "Missing required parameter - file")
        existing = self.standin.assets.get(name) if fields.get("overwrite") in {"0", "false"} else None
        asset = existing or Asset(await file.read(), 1_700_000_000 + len(self.standin.fields))
        self.standin.assets[name] = asset
        return JSONResponse(
            {
                "public_id": name,
                "version": asset.version,
                "bytes": len(asset.data),
                "type": fields["type"],
                **({"existing": True} if existing else {}),
            }
        )

    def _destroy(self, fields: dict[str, str]) -> Response:
        gone = self.standin.assets.pop(fields["public_id"], None)
        return JSONResponse({"result": "not found" if gone is None else "ok"})

    async def deliver(self, request: Request) -> Response:
        self.standin.seen.append("deliver")
        self.standin.ports.add(request.client.port if request.client else 0)
        if self.standin.answers:
            return self.standin.answers.popleft()
        found = _DELIVERED.fullmatch(request.path_params["rest"])
        if request.path_params["cloud"] != CLOUD or found is None:
            return Response(status_code=400, headers={"x-cld-error": "Invalid URL"})
        signature, transformation, _, name, ending = found.groups()
        signed = "/".join(part for part in (transformation, f"{name}.{ending}") if part)
        digest = hashlib.sha1((signed + SECRET).encode(), usedforsecurity=False).digest()
        if signature != f"s--{base64.urlsafe_b64encode(digest).decode()[:8]}--":
            return Response(status_code=401, headers={"x-cld-error": "Invalid signature"})
        asset = self.standin.assets.get(name)
        if asset is None:
            return Response(status_code=404, headers={"x-cld-error": "Resource not found"})
        if transformation is None:
            return Response(asset.data, media_type="image/jpeg")
        return _transformed(asset.data, transformation, request.headers.get("accept", ""))

    async def ping(self, request: Request) -> Response:
        self.standin.ports.add(request.client.port if request.client else 0)
        if self.standin.answers:
            return self.standin.answers.popleft()
        own = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {own}":
            return error(401, "unknown api_key")
        return JSONResponse({"status": "ok"})


def _is_signed(fields: dict[str, str]) -> bool:
    signed = sorted(f"{name}={value}" for name, value in fields.items() if name not in {"signature", "api_key"})
    digest = hashlib.sha1(("&".join(signed) + SECRET).encode(), usedforsecurity=False).hexdigest()
    return fields.get("signature") == digest and fields.get("api_key") == KEY


def _transformed(data: bytes, transformation: str, accept: str) -> Response:
    asked: dict[str, Any] = dict(part.split("_", 1) for part in transformation.split(","))
    assert asked.items() >= {"c": "limit", "f": "auto", "q": "auto"}.items()
    kind = "WEBP" if "image/webp" in accept else "JPEG"
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((int(asked["w"]), image.height))
        out = io.BytesIO()
        image.convert("RGB").save(out, kind)
    return Response(out.getvalue(), media_type=f"image/{kind.lower()}")


@contextlib.contextmanager
def serve() -> Generator[Standin]:
    """Serve on a free port of this machine, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        standin = Standin(f"http://127.0.0.1:{listener.getsockname()[1]}")
        app = _App(standin)
        routes = [
            Route("/v1_1/{cloud}/image/{action}", app.call, methods=["POST"]),
            Route("/v1_1/{cloud}/ping", app.ping),
            Route("/{cloud}/image/authenticated/{rest:path}", app.deliver),
        ]
        config = uvicorn.Config(Starlette(routes=routes), log_config=None, ws="none", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield standin
        finally:
            server.should_exit = True
            thread.join()
