"""A project with its people, one chat with images, and a worker that is called by hand."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from beanie import PydanticObjectId
from PIL import Image, ImageDraw
from pymongo.asynchronous.database import AsyncDatabase

from app.access import Role
from app.api.ids import global_id
from app.bootstrap.parts import Parts
from app.chats.image import ChatImage
from app.chats.model import Chat, ChatKind
from app.database.document import utc_now
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.lineage.again import Again
from app.lineage.place import Lineage
from app.pictures.model import Picture
from app.projects.model import Member, Project
from app.providers.ports.model import Source
from tests.api.shop import Shop, opened_parts

PROMPT = "A harbour at dusk"


def some_bytes(shade: int = 90) -> bytes:
    """A small picture of a thing before a light wall; another one for each shade."""
    kept, picture = BytesIO(), Image.new("RGB", (240, 160), "white")
    ImageDraw.Draw(picture).ellipse((60, 30, 180, 130), fill=(shade, 60, 30))
    picture.save(kept, "PNG")
    return kept.getvalue()


def project_of(owner_id: PydanticObjectId, **members: PydanticObjectId) -> Project:
    """One with those members, by their roles in lower case; not stored yet."""
    now = utc_now()
    joined = [Member(user_id=one, role=Role(role.upper()), joined_at=now) for role, one in members.items()]
    identity = PydanticObjectId()
    return Project(
        id=identity,
        owner_id=owner_id,
        name="Film",
        members=tuple(joined),
        idempotency_key=str(identity),
        asked="",
        created_at=now,
        changed_at=now,
    )


def chat_in(project: Project, **given: Any) -> Chat:
    """A frame's chat; not stored yet."""
    identity, now = PydanticObjectId(), utc_now()
    plain: dict[str, Any] = {"kind": ChatKind.FRAME, "branch_id": identity, "idempotency_key": str(identity)}
    plain |= {"asked": "", "created_at": now, "changed_at": now}
    return Chat(id=identity, owner_id=project.owner_id, project_id=project.identity, **(plain | given))


def image_in(chat: Chat, parent: ChatImage | None = None, **given: Any) -> ChatImage:
    """A root, or a child of that one; not stored yet."""
    identity = PydanticObjectId()
    lineage = parent.lineage.child_of(parent.identity) if parent else Lineage.of_root(identity)
    plain: dict[str, Any] = {
        "exchange_id": parent.exchange_id if parent else PydanticObjectId(),
        "picture_id": PydanticObjectId(),
        "generation_id": PydanticObjectId(),
        "lineage": lineage,
        "parent_id": lineage.parent_id,
        "prompt": PROMPT,
        "original_prompt": PROMPT,
        "new_prompt": None,
        "prompts": (PROMPT,),
        "combined_prompt": PROMPT,
        "source": Source.MOCK,
        "created_at": utc_now(),
    }
    home = {"owner_id": chat.owner_id, "project_id": chat.project_id, "chat_id": chat.identity}
    return ChatImage(id=identity, **home, **(plain | given))


@dataclass(frozen=True, slots=True)
class Studio:
    """The people at the schema, and what they share."""

    parts: Parts
    owner: Shop
    editor: Shop
    viewer: Shop
    stranger: Shop
    project: Project
    chat: Chat

    async def kept(self, owner_id: PydanticObjectId, shade: int = 90) -> Picture:
        """A stored picture of that owner."""
        return await self.parts.services.pictures.keep(owner_id, some_bytes(shade))

    async def image(self, shade: int = 90, **given: Any) -> ChatImage:
        """An image of the chat, stored with its picture."""
        picture = await self.kept(self.project.owner_id, shade)
        image = image_in(self.chat, None, **({"picture_id": picture.identity} | given))
        await image.insert()
        return image

    async def again(
        self, image: ChatImage, wish: str = "Make it brighter", by: Shop | None = None, key: str | None = None
    ) -> Generation:
        """The start of a child, by its editor unless somebody else is named."""
        user_id, asked = (by or self.editor).owner_id, None if key is None else f"RegenerateImageInput:{wish}"
        return await self.parts.services.chat_images.again(user_id, image.identity, Again(wish), key, asked)

    async def made(self, started: Generation) -> ChatImage:
        """What a worker makes of it."""
        await self.parts.runner.run(started.identity)
        made = (await ChatImage.by_ids([started.result_id])).get(started.result_id)
        assert made
        return made


def id_of(document: ChatImage | Picture) -> str:
    """Its global id."""
    return global_id(type(document).__name__, document.identity)


def recipe() -> Recipe:
    """That of an answer's generation."""
    return Recipe(task="CREATE", prompts=(PROMPT,), pictures=(), provider="mock", model="placeholder-1")


@asynccontextmanager
async def opened_studio(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, folder: Path
) -> AsyncGenerator[Studio]:
    """One over that database, whose indexes are there."""
    async with opened_parts(database, mongodb_url, folder) as parts:
        nobody = Shop(parts.services)
        owner, editor, viewer, stranger = [await nobody.joined() for _ in range(4)]
        project = project_of(owner.owner_id, editor=editor.owner_id, viewer=viewer.owner_id)
        await project.insert()
        chat = chat_in(project)
        await chat.insert()
        yield Studio(parts, owner, editor, viewer, stranger, project, chat)
