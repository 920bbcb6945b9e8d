"""Frames are made, named, put in order, given a picture, and put into the trash."""

from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.enums import ChatKind, ProjectRole
from app.api.errors import UserError, errors_in
from app.api.ids import CHAT_IMAGE, document_id
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT
from app.api.project_editing import PROJECT_ID
from app.api.projects import FRAME_TYPE_NAME, TYPE_NAME, Frame, Project
from app.chats import model as stored
from app.chats.entities import OF_A_KIND_MAX
from app.chats.words import TITLE_MAX_CHARACTERS, Described, as_frame_title
from app.errors import bad_input
from app.projects.made_once import Call

_TITLE = f"What it is called, at most {TITLE_MAX_CHARACTERS} characters."
_ID = "The id of a `Frame`."
_PROJECT, _PATH = ("input", "projectId"), ("input", "frameId")


@strawberry.input(description="A new frame.")
class CreateFrameInput:
    """What `createFrame` takes."""

    project_id: strawberry.ID = strawberry.field(description=PROJECT_ID)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A frame, and what is to be different about it; what is left out stays as it is.")
class UpdateFrameInput:
    """What `updateFrame` takes."""

    frame_id: strawberry.ID = strawberry.field(description=_ID)
    title: strawberry.Maybe[str | None] = strawberry.field(description=f"{_TITLE} Null or empty: none any more.")


@strawberry.input(description="The frames of a project in another order.")
class ReorderFramesInput:
    """What `reorderFrames` takes."""

    project_id: strawberry.ID = strawberry.field(description=PROJECT_ID)
    frame_ids: list[strawberry.ID] = strawberry.field(
        description="The ids of all frames of the project that are not in the trash, each once, the first one first."
    )


@strawberry.input(description="A frame, and the image that it is to show.")
class SetFramePictureInput:
    """What `setFramePicture` takes."""

    frame_id: strawberry.ID = strawberry.field(description=_ID)
    image_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of a `ChatImage` of the frame's chat; null: it shows none any more."
    )


@strawberry.input(description="A frame that is not needed any more.")
class DeleteFrameInput:
    """What `deleteFrame` takes."""

    frame_id: strawberry.ID = strawberry.field(description=_ID)


@strawberry.type
class _OneFrame:
    """What mutations of a frame answer."""

    frame: Frame | None = strawberry.field(default=None, description="The frame as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type(description="The frame, or why there is none.")
class CreateFramePayload(_OneFrame):
    """What `createFrame` answers."""


@strawberry.type(description="The frame, or why nothing was changed.")
class UpdateFramePayload(_OneFrame):
    """What `updateFrame` answers."""


@strawberry.type(description="The project with its frames in that order, or why nothing was changed.")
class ReorderFramesPayload:
    """What `reorderFrames` answers."""

    project: Project | None = strawberry.field(default=None, description="The project as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type(description="The frame, or why nothing was changed.")
class SetFramePicturePayload(_OneFrame):
    """What `setFramePicture` answers."""


@strawberry.type(description="The frame in the trash, or why it could not go there.")
class DeleteFramePayload(_OneFrame):
    """What `deleteFrame` answers."""


@strawberry.type
class FrameMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(CreateFramePayload)
    async def create_frame(self, info: Info, input: Annotated[CreateFrameInput, INPUT]) -> CreateFramePayload | None:
        """Make a frame, the last one of the film, with a chat of its own; takes an EDITOR."""
        who, given, services = viewer(info), await keyed(input), info.context.services
        project_id = document_id(input.project_id, TYPE_NAME, *_PROJECT)
        call = Call(who.user_id, given.key, given.asked)
        frame = await services.entities.known(call)
        if frame is None:
            project = await services.projects.open_to(who.user_id, project_id, ProjectRole.EDITOR, *_PROJECT)
            described = Described(as_frame_title(input.title))
            frame = await services.entities.create(call, project, ChatKind.FRAME, described)
        return CreateFramePayload(frame=Frame.of(frame))

    @strawberry.mutation
    @errors_in(UpdateFramePayload)
    async def update_frame(self, info: Info, input: Annotated[UpdateFrameInput, INPUT]) -> UpdateFramePayload | None:
        """Change what is said of a frame; takes an EDITOR."""
        frame = await _open(info, input.frame_id)
        if input.title is None:
            raise bad_input("Say what is to be different: a title.", "input")
        told = {"title": as_frame_title(input.title.value)}
        changed = await info.context.services.entities.update(frame, told, *_PATH)
        return UpdateFramePayload(frame=Frame.of(changed))

    @strawberry.mutation
    @errors_in(ReorderFramesPayload)
    async def reorder_frames(
        self, info: Info, input: Annotated[ReorderFramesInput, INPUT]
    ) -> ReorderFramesPayload | None:
        """Put the frames of a project into another order, all at once; takes an EDITOR.

        A frame that is made at the same time stays last, and one that comes back from the trash will be.
        """
        who, project_id = viewer(info), document_id(input.project_id, TYPE_NAME, *_PROJECT)
        if len(input.frame_ids) > OF_A_KIND_MAX:
            raise bad_input(f"A project has at most {OF_A_KIND_MAX} frames.", "input", "frameIds")
        ids = [
            document_id(one, FRAME_TYPE_NAME, "input", "frameIds", str(place))
            for place, one in enumerate(input.frame_ids)
        ]
        project = await info.context.services.frames.reorder(who.user_id, project_id, ids)
        return ReorderFramesPayload(project=Project.of(project))

    @strawberry.mutation
    @errors_in(SetFramePicturePayload)
    async def set_frame_picture(
        self, info: Info, input: Annotated[SetFramePictureInput, INPUT]
    ) -> SetFramePicturePayload | None:
        """Choose the image of its chat that a frame shows; takes an EDITOR.

        The frame goes on to show that picture when the image is deleted.
        """
        image_id = document_id(input.image_id, CHAT_IMAGE, "input", "imageId") if input.image_id else None
        frame = await info.context.services.frames.choose_picture(await _open(info, input.frame_id), image_id)
        return SetFramePicturePayload(frame=Frame.of(frame))

    @strawberry.mutation
    @errors_in(DeleteFramePayload)
    async def delete_frame(self, info: Info, input: Annotated[DeleteFrameInput, INPUT]) -> DeleteFramePayload | None:
        """Put a frame into the trash, its chat with it; takes an EDITOR. The owner's `restore` takes it back out."""
        who, frame_id = viewer(info), document_id(input.frame_id, FRAME_TYPE_NAME, *_PATH)
        entities = info.context.services.entities
        frame = await entities.discard(who.user_id, frame_id, ChatKind.FRAME, *_PATH)
        return DeleteFramePayload(frame=Frame.of(frame))


async def _open(info: Info, frame_id: strawberry.ID) -> stored.Chat:
    """A frame that the viewer may change."""
    who, identity = viewer(info), document_id(frame_id, FRAME_TYPE_NAME, *_PATH)
    return await info.context.services.entities.open_to(who.user_id, identity, ChatKind.FRAME, *_PATH)
