"""Video projects as clients see them, with what is in them: their frames, their contexts, and the chat of each."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Self

import strawberry
from beanie import PydanticObjectId

from app.api.connections import After, Connection, First, Listing, Page
from app.api.context import Info, viewer
from app.api.enums import ChatKind
from app.api.ids import CHAT_IMAGE, global_id
from app.api.messages import ChatMessages
from app.api.node import Node
from app.api.pictures import Picture
from app.api.project_members import ProjectMembers
from app.chats import model as stored_chats
from app.errors import bad_input
from app.projects import model as stored

TYPE_NAME, CHAT_TYPE_NAME, FRAME_TYPE_NAME, CONTEXT_TYPE_NAME = "Project", "Chat", "Frame", "Context"

_TRASHED_AT = "When it went to the trash; null unless it is there."


@strawberry.type(description="A video project: what it is about, its chats, and who works on it.")
class Project(Node, ProjectMembers):
    """Shown from its document, to its owner and its members."""

    name: str = strawberry.field(description="What it is called.")
    context_text: str = strawberry.field(
        description="What the whole video is about. A message of a frame's chat that is sent `withContext` is made "
        "with it. Empty when nothing was said."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    trashed_at: datetime | None = strawberry.field(
        description="When it went to the trash; null unless it is there. Until it comes back nothing can be changed in "
        "it, and only its owner sees it."
    )
    document: strawberry.Private[stored.Project]

    @classmethod
    def of(cls, project: stored.Project) -> Self:
        """The project of a document."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, project.identity)),
            name=project.name,
            context_text=project.context_text,
            created_at=project.created_at,
            trashed_at=project.trashed_at,
            document=project,
        )

    @strawberry.field
    async def context_pictures(self, info: Info) -> list[Picture]:
        """Pictures that show what the whole video is about, at most 8."""
        return await _pictures(info, self.document.context_picture_ids)

    @strawberry.field
    async def main_chat(self, info: Info) -> "Chat":
        """The project's own chat."""
        found = await info.context.loaders.chats.load(self.document.identity)
        return Chat.of(found or await stored_chats.Chat.main_of(self.document))

    @strawberry.field
    async def frames(self, info: Info, first: First = None, after: After = None) -> "FrameConnection":
        """The frames in the order of the film, none in the trash. `reorderFrames` gives them another one."""
        page = Page(Listing("frames", self.document.identity, newest_first=False), first, after)
        frames = await info.context.loaders.frames.load(self.document.identity) or []
        shown = [(one.identity, Frame.of(one, place)) for place, one in _on(page, frames)]
        return FrameConnection.of(shown, page)

    @strawberry.field
    async def contexts(self, info: Info, first: First = None, after: After = None) -> "ContextConnection":
        """The contexts, oldest first, none in the trash."""
        page = Page(Listing("contexts", self.document.identity, newest_first=False), first, after)
        found = await info.context.loaders.contexts.load((self.document.identity, page.stretch))
        return ContextConnection.of([(one.identity, Context.of(one)) for one in found], page)


@strawberry.type(description="A chat in which prompts become images: a project's own, a frame's, or a context's.")
class Chat(Node, ChatMessages):
    """Shown from its document."""

    kind: ChatKind = strawberry.field(description="Whose it is.")

    @classmethod
    def of(cls, chat: stored_chats.Chat) -> Self:
        """The chat of a document."""
        return cls(id=strawberry.ID(global_id(CHAT_TYPE_NAME, chat.identity)), kind=chat.kind, document=chat)

    @strawberry.field
    async def project(self, info: Info) -> Project | None:
        """The project that it is in."""
        return await _project(info, self.document.project_id)

    @strawberry.field
    def frame(self) -> "Frame | None":
        """The frame whose it is; null for any other chat."""
        return Frame.of(self.document) if self.document.kind is ChatKind.FRAME else None

    @strawberry.field
    def context(self) -> "Context | None":
        """The context whose it is; null for any other chat."""
        return Context.of(self.document) if self.document.kind is ChatKind.CONTEXT else None


@strawberry.type(description="A storyboard picture of a video, at its place in the film, and the chat it is made in.")
class Frame(Node):
    """Shown from its document."""

    title: str | None = strawberry.field(description="What it is called; null when it was not said.")
    image_id: strawberry.ID | None = strawberry.field(
        description="The `ChatImage` of its chat that was chosen with `setFramePicture`, which may be deleted by now; "
        "null for none."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    trashed_at: datetime | None = strawberry.field(description=_TRASHED_AT)
    document: strawberry.Private[stored_chats.Chat]
    place: strawberry.Private[int | None] = None

    @classmethod
    def of(cls, frame: stored_chats.Chat, place: int | None = None) -> Self:
        """The frame of a document; `place` is its position where that is known."""
        image_id = frame.chosen_image_id
        return cls(
            id=strawberry.ID(global_id(FRAME_TYPE_NAME, frame.identity)),
            title=frame.title or None,
            image_id=strawberry.ID(global_id(CHAT_IMAGE, image_id)) if image_id else None,
            created_at=frame.created_at,
            trashed_at=frame.trashed_at,
            document=frame,
            place=place,
        )

    @strawberry.field
    async def position(self, info: Info) -> int | None:
        """Its place in the film, from 0; null in the trash."""
        if self.place is not None or self.document.trashed_at is not None:
            return self.place
        frames = await info.context.loaders.frames.load(self.document.project_id) or []
        return next((place for place, one in _numbered(frames) if one.identity == self.document.identity), None)

    @strawberry.field
    async def picture(self, info: Info) -> Picture | None:
        """The picture that it shows, also when the chosen image is deleted; null for none."""
        return next(iter(await _pictures(info, self.document.picture_ids)), None)

    @strawberry.field
    def chat(self) -> Chat:
        """The chat that its pictures are made in."""
        return Chat.of(self.document)

    @strawberry.field
    async def project(self, info: Info) -> Project | None:
        """The project that it is in."""
        return await _project(info, self.document.project_id)


@strawberry.type(description="What a video keeps coming back to, a character, a place, a style, and the chat about it.")
class Context(Node):
    """Shown from its document."""

    title: str = strawberry.field(description="What it is called.")
    text: str = strawberry.field(description="What it is like, in words; empty when nothing was said.")
    created_at: datetime = strawberry.field(description="When it was made.")
    trashed_at: datetime | None = strawberry.field(description=_TRASHED_AT)
    document: strawberry.Private[stored_chats.Chat]

    @classmethod
    def of(cls, context: stored_chats.Chat) -> Self:
        """The context of a document."""
        return cls(
            id=strawberry.ID(global_id(CONTEXT_TYPE_NAME, context.identity)),
            title=context.title,
            text=context.text,
            created_at=context.created_at,
            trashed_at=context.trashed_at,
            document=context,
        )

    @strawberry.field
    async def pictures(self, info: Info) -> list[Picture]:
        """What it is like, in pictures, at most 8."""
        return await _pictures(info, self.document.picture_ids)

    @strawberry.field
    def chat(self) -> Chat:
        """The chat about it."""
        return Chat.of(self.document)

    @strawberry.field
    async def project(self, info: Info) -> Project | None:
        """The project that it is in."""
        return await _project(info, self.document.project_id)


@strawberry.type(description="A page of the frames of a project.")
class FrameConnection(Connection[Frame]):
    """In the order of the film."""


@strawberry.type(description="A page of the contexts of a project.")
class ContextConnection(Connection[Context]):
    """Oldest first."""


async def find(info: Info, identity: PydanticObjectId) -> Project | None:
    """A project that the viewer sees."""
    who, context = viewer(info), info.context
    project = await context.services.gate.sees(who.user_id, await context.loaders.projects.load(identity))
    return Project.of(project) if project else None


async def find_chat(info: Info, identity: PydanticObjectId) -> Chat | None:
    """A chat of a project that the viewer sees; a main chat that is not there yet is made."""
    who, context = viewer(info), info.context
    known = await context.loaders.chats.load(identity)
    if known is None:
        project = await context.services.gate.sees(who.user_id, await context.loaders.projects.load(identity))
        return Chat.of(await stored_chats.Chat.main_of(project)) if project else None
    chat = await context.services.gate.sees(who.user_id, known)
    return Chat.of(chat) if chat else None


async def find_frame(info: Info, identity: PydanticObjectId) -> Frame | None:
    """A frame of a project that the viewer sees."""
    chat = await _seen(info, identity, ChatKind.FRAME)
    return Frame.of(chat) if chat else None


async def find_context(info: Info, identity: PydanticObjectId) -> Context | None:
    """A context of a project that the viewer sees."""
    chat = await _seen(info, identity, ChatKind.CONTEXT)
    return Context.of(chat) if chat else None


async def _seen(info: Info, identity: PydanticObjectId, kind: ChatKind) -> stored_chats.Chat | None:
    who, context = viewer(info), info.context
    chat = await context.services.gate.sees(who.user_id, await context.loaders.chats.load(identity))
    return chat if chat is not None and chat.kind is kind else None


def _numbered(frames: Iterable[stored_chats.Chat]) -> Iterable[tuple[int, stored_chats.Chat]]:
    """Those that are not in the trash, with their places in the film."""
    return enumerate(frame for frame in frames if frame.trashed_at is None)


def _on(page: Page, frames: Sequence[stored_chats.Chat]) -> list[tuple[int, stored_chats.Chat]]:
    """What the page of that list needs, with their places; a cursor may stand at one that is in the trash by now."""
    ids, behind = [frame.identity for frame in frames], page.stretch.newer_than
    if behind is not None and behind not in ids:
        raise bad_input("The frame that `after` stands at is deleted: start anew without it.", "after")
    passed = frozenset(ids[: ids.index(behind) + 1] if behind is not None else ())
    return [(place, one) for place, one in _numbered(frames) if one.identity not in passed][: page.stretch.limit]


async def _project(info: Info, project_id: PydanticObjectId) -> Project | None:
    project = await info.context.loaders.projects.load(project_id)
    return Project.of(project) if project else None


async def _pictures(info: Info, ids: Sequence[PydanticObjectId]) -> list[Picture]:
    """Those that are there."""
    found = await info.context.loaders.pictures.load_many(list(ids))
    return [Picture.of(picture) for picture in found if picture]
