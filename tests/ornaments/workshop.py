"""The parts of a Regen over a test's database, whose generations run when the test says so; and trees to send away."""

import io
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from beanie import PydanticObjectId
from PIL import Image
from pymongo.asynchronous.database import AsyncDatabase

from app.archives.model import Archive
from app.bootstrap.parts import Parts, assemble
from app.database.document import utc_now
from app.generations.model import Generation, Status
from app.generations.recipe import Recipe, RecipePicture
from app.ornaments.asked import Role
from app.ornaments.model import OrnamentImage, SourcePicture
from app.ornaments.service import GENERATION_KIND
from app.pictures.model import Picture
from tests.given import settings_from
from tests.indexed import opened_indexed
from tests.ornaments.images import image_of

_BARE: dict[str, None] = dict.fromkeys(("redis_url", "google_api_key", "openai_api_key", "cloudinary_url"))


def picture(colour: str, kind: str = "PNG") -> bytes:
    """A small one."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(buffer, kind)
    return buffer.getvalue()


@dataclass(frozen=True)
class Workshop:
    """It works for one owner at a time."""

    parts: Parts
    folder: Path
    owner_id: PydanticObjectId = field(default_factory=PydanticObjectId)

    async def kept(self, data: bytes) -> Picture:
        """A stored picture of the owner's."""
        return await self.parts.services.pictures.keep(self.owner_id, data)

    async def image(self, wish: str, data: bytes, parent: OrnamentImage | None = None, **given: Any) -> OrnamentImage:
        """A stored version, made by a generation of its own."""
        shown, source = await self.kept(data), await self.kept(picture("white"))
        recipe = Recipe(
            task="ADJUST",
            prompts=("a", wish),
            pictures=(RecipePicture(picture_id=source.identity, sha256=source.sha256),),
            provider="acme",
            model="acme-1",
        )
        made = Generation.queued(self.owner_id, GENERATION_KIND, recipe, f"{PydanticObjectId()}", utc_now())
        made.status, made.settled = Status.SUCCEEDED, True
        await made.insert()
        version = image_of(
            self.owner_id,
            wish,
            parent,
            picture_id=shown.identity,
            generation_id=made.identity,
            sources=(SourcePicture(role=Role.ORNAMENT, picture_id=source.identity),),
            **given,
        )
        await version.insert()
        return version

    async def tree(self) -> Sequence[OrnamentImage]:
        """A root, its child, and a child of that."""
        root = await self.image("Make it shine", picture("red"))
        child = await self.image("Add gold accents", picture("gold"), root)
        return root, child, await self.image("Make it brighter", picture("green", "WEBP"), child)

    async def exports(self, image: OrnamentImage, key: str | None = None) -> Generation:
        """The export of a tree, which waits for a worker."""
        return await self.parts.services.exports.start(self.owner_id, image.identity, key)

    async def imports(self, archive: bytes, key: str | None = None) -> Generation:
        """The import of an archive, which waits for a worker."""
        return await self.parts.services.imports.start(self.owner_id, io.BytesIO(archive), key)

    async def run(self, generation: Generation) -> Generation:
        """The generation after a worker has looked at it."""
        await self.parts.runner.run(generation.identity)
        return await stored(generation)

    async def archive_of(self, image: OrnamentImage) -> bytes:
        """A tree's."""
        ended = await self.run(await self.exports(image))
        assert ended.status is Status.SUCCEEDED, ended.failure
        (archive,) = await Archive.of_generation(ended.identity)
        return self.parts.services.archives.place(archive).read_bytes()

    @property
    def files(self) -> list[str]:
        """All files of archives, finished or not."""
        below = self.folder / "archives"
        return sorted(path.relative_to(below).as_posix() for path in below.rglob("*") if path.is_file())

    async def images(self) -> list[OrnamentImage]:
        """The owner's, oldest first."""
        return await OrnamentImage.find({"ownerId": self.owner_id}).sort("_id").to_list()

    def __call__(self, owner_id: PydanticObjectId) -> "Workshop":
        """The same, working for another."""
        return Workshop(self.parts, self.folder, owner_id)


async def stored(generation: Generation) -> Generation:
    """As the database has it."""
    found = await Generation.get(generation.identity)
    assert found is not None
    return found


@asynccontextmanager
async def opened_workshop(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, folder: Path, **settings: Any
) -> AsyncGenerator[Workshop]:
    """Nothing in it yet; an attempt that fails is the last one unless the settings say otherwise."""
    url = urlsplit(mongodb_url)._replace(path=f"/{database.name}").geturl()
    given = {**_BARE, "data_dir": folder, "mongodb_url": url, "generation_attempts": 1, **settings}
    parts = assemble(settings_from(given))
    async with opened_indexed(parts):
        yield Workshop(parts, folder)
    await parts.close()
