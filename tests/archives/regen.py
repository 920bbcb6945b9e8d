"""A whole Regen inside of this process: its engine works, and it answers over HTTP; one at a time."""

import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
from PIL import Image

from app.api.ids import parse_global_id
from app.bootstrap.parts import Parts, assemble
from app.bootstrap.process import working
from app.generations.following import progress
from app.generations.model import Generation
from app.main import build
from tests.e2e.client import Client
from tests.given import settings_from

EXPORT = """mutation ($input: ExportLineageInput!) { exportLineage(input: $input) {
  generation { id status cost { amount } recipe { provider } } errors { code message path } } }"""
IMPORT = """mutation ($input: ImportLineageInput!) { importLineage(input: $input) {
  generation { id status } errors { code message path retryable } } }"""
ARCHIVE = """query ($id: ID!) { generation(id: $id) { status failure { code message retryable } result { id
  ... on Archive { fileName bytes sha256 url createdAt expiresAt }
  ... on OrnamentImage { id imported { importedAt createdAt provider model } } } } }"""
_BARE: dict[str, None] = dict.fromkeys(("redis_url", "google_api_key", "openai_api_key", "cloudinary_url"))


@dataclass(frozen=True)
class Regen:
    """It, and one person who is logged in."""

    parts: Parts
    ada: Client

    async def ended(self, generation_id: str) -> Generation:
        """A generation after its end, its result written."""
        _, identity = parse_global_id(generation_id)
        generation = await Generation.get(identity)
        assert generation is not None
        async for _ in progress(self.parts.hub, generation.owner_id, identity, 0):
            pass
        ended = await Generation.get(identity)
        assert ended is not None
        return ended

    async def made(self, payload: Any) -> str:
        """The id of what a mutation's generation made."""
        assert payload["errors"] == [], payload
        await self.ended(payload["generation"]["id"])
        found = (await self.ada.run(ARCHIVE, {"id": payload["generation"]["id"]}))["generation"]
        assert found["status"] == "SUCCEEDED", found
        identity: str = found["result"]["id"]
        return identity

    async def exported(self, image_id: str, **input: Any) -> tuple[Any, bytes]:
        """The archive of a tree, and its bytes."""
        payload = (await self.ada.run(EXPORT, {"input": {"imageId": image_id, **input}}))["exportLineage"]
        await self.made(payload)
        found = (await self.ada.run(ARCHIVE, {"id": payload["generation"]["id"]}))["generation"]["result"]
        answer = await self.ada.http.get(found["url"])
        assert answer.status_code == 200
        return found, answer.content

    async def imports(self, archive: bytes, **input: Any) -> Any:
        """The payload of `importLineage`."""
        variables = {"input": {"archive": None, **input}}
        answer = await self.ada.post_file(IMPORT, variables, "input.archive", ("a.zip", archive, "application/zip"))
        assert "errors" not in answer, answer
        return answer["data"]["importLineage"]


@asynccontextmanager
async def opened_regen(mongodb_url: str, folder: Path, **settings: Any) -> AsyncGenerator[Regen]:
    """A new one, over a database of its own."""
    url = urlsplit(mongodb_url)._replace(path=f"/regen_{uuid4().hex}").geturl()
    parts = assemble(
        settings_from({**_BARE, "data_dir": folder, "mongodb_url": url, "allowed_hosts": ("regen.test",), **settings})
    )
    async with working(parts) as process:
        application = build(parts, process.connection.ping)
        transport = httpx2.ASGITransport(application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://regen.test", timeout=30) as http:
            ada = Client(http, "")
            await ada.sign_up()
            yield Regen(parts, ada)
        await process.connection.database.client.drop_database(process.connection.database.name)


def photo(colour: str = "red", side: int = 64) -> bytes:
    """A small JPEG."""
    picture = Image.new("RGB", (side, side), "white")
    picture.paste(colour, (side // 4, side // 4, side // 2, side // 2))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG")
    return buffer.getvalue()


def files_in(folder: Path) -> list[str]:
    """All files of archives, finished or not."""
    return sorted(path.relative_to(folder).as_posix() for path in (folder / "archives").rglob("*") if path.is_file())


def parsed(data: bytes) -> Any:
    """JSON."""
    return json.loads(data)
