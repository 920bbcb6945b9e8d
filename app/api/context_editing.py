"""Contexts are made, changed, and put into the trash."""

from typing import Annotated, Any

import strawberry

from app.api.context import Info, viewer
from app.api.enums import ChatKind, ProjectRole
from app.api.errors import UserError, errors_in
from app.api.ids import document_id
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT
from app.api.pictures import PictureInput
from app.api.project_editing import PROJECT_ID
from app.api.project_pictures import taken_in
from app.api.projects import CONTEXT_TYPE_NAME, TYPE_NAME, Context
from app.chats import model as stored
from app.chats.words import (
    PICTURES_MAX,
    TEXT_MAX_CHARACTERS,
    TITLE_MAX_CHARACTERS,
    Described,
    as_context_title,
    as_text,
)
from app.errors import bad_input
from app.projects.made_once import Call

_TITLE = f"What it is called, 1 to {TITLE_MAX_CHARACTERS} characters."
_TEXT = f"What it is like, at most {TEXT_MAX_CHARACTERS:,} characters."
_PICTURES = f"What it is like, in at most {PICTURES_MAX} pictures, which become those of the project's owner."
_ID = "The id of a `Context`."
_PROJECT, _PATH, _SHOWN = ("input", "projectId"), ("input", "contextId"), ("input", "pictures")


@strawberry.input(description="A new context.")
class CreateContextInput:
    """What `createContext` takes."""

    project_id: strawberry.ID = strawberry.field(description=PROJECT_ID)
    title: str = strawberry.field(description=_TITLE)
    text: str | None = strawberry.field(default=None, description=_TEXT)
    pictures: list[PictureInput] | None = strawberry.field(default=None, description=_PICTURES)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A context, and what is to be different about it; what is left out stays as it is.")
class UpdateContextInput:
    """What `updateContext` takes."""

    context_id: strawberry.ID = strawberry.field(description=_ID)
    title: strawberry.Maybe[str] = strawberry.field(description=_TITLE)
    text: strawberry.Maybe[str | None] = strawberry.field(description=f"{_TEXT} Null or empty: none any more.")
    pictures: strawberry.Maybe[list[PictureInput]] = strawberry.field(
        description=f"In place of those before, which may be named again by their ids. {_PICTURES}"
    )


@strawberry.input(description="A context that is not needed any more.")
class DeleteContextInput:
    """What `deleteContext` takes."""

    context_id: strawberry.ID = strawberry.field(description=_ID)


@strawberry.type
class _OneContext:
    """What mutations of a context answer."""

    context: Context | None = strawberry.field(default=None, description="The context as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type(description="The context, or why there is none.")
class CreateContextPayload(_OneContext):
    """What `createContext` answers."""


@strawberry.type(description="The context, or why nothing was changed.")
class UpdateContextPayload(_OneContext):
    """What `updateContext` answers."""


@strawberry.type(description="The context in the trash, or why it could not go there.")
class DeleteContextPayload(_OneContext):
    """What `deleteContext` answers."""


@strawberry.type
class ContextMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(CreateContextPayload)
    async def create_context(
        self, info: Info, input: Annotated[CreateContextInput, INPUT]
    ) -> CreateContextPayload | None:
        """Make a context of a project, with a chat of its own; takes an EDITOR."""
        who, given, services = viewer(info), await keyed(input), info.context.services
        project_id = document_id(input.project_id, TYPE_NAME, *_PROJECT)
        call = Call(who.user_id, given.key, given.asked)
        context = await services.entities.known(call)
        if context is None:
            project = await services.projects.open_to(who.user_id, project_id, ProjectRole.EDITOR, *_PROJECT)
            described = Described(as_context_title(input.title), as_text(input.text))
            pictures = await taken_in(info, input.pictures or (), project.owner_id, PICTURES_MAX, _SHOWN)
            context = await services.entities.create(call, project, ChatKind.CONTEXT, described, pictures)
        return CreateContextPayload(context=Context.of(context))

    @strawberry.mutation
    @errors_in(UpdateContextPayload)
    async def update_context(
        self, info: Info, input: Annotated[UpdateContextInput, INPUT]
    ) -> UpdateContextPayload | None:
        """Change what is said of a context; takes an EDITOR. What was made with it stays as it is."""
        who, context_id = viewer(info), document_id(input.context_id, CONTEXT_TYPE_NAME, *_PATH)
        entities = info.context.services.entities
        context = await entities.open_to(who.user_id, context_id, ChatKind.CONTEXT, *_PATH)
        changed = await entities.update(context, await _changes(info, input, context), *_PATH)
        return UpdateContextPayload(context=Context.of(changed))

    @strawberry.mutation
    @errors_in(DeleteContextPayload)
    async def delete_context(
        self, info: Info, input: Annotated[DeleteContextInput, INPUT]
    ) -> DeleteContextPayload | None:
        """Put a context into the trash, its chat with it; takes an EDITOR. The owner's `restore` takes it back out."""
        who, context_id = viewer(info), document_id(input.context_id, CONTEXT_TYPE_NAME, *_PATH)
        entities = info.context.services.entities
        context = await entities.discard(who.user_id, context_id, ChatKind.CONTEXT, *_PATH)
        return DeleteContextPayload(context=Context.of(context))


async def _changes(info: Info, input: UpdateContextInput, context: stored.Chat) -> dict[str, Any]:
    """What was given, as it is kept, by the document's keys."""
    changes = dict[str, Any]()
    if input.title is not None:
        changes["title"] = as_context_title(input.title.value)
    if input.text is not None:
        changes["text"] = as_text(input.text.value)
    if input.pictures is not None:
        given, shown = input.pictures.value, context.picture_ids
        changes["pictureIds"] = await taken_in(info, given, context.owner_id, PICTURES_MAX, _SHOWN, shown)
    if not changes:
        raise bad_input("Say what is to be different: a title, a text, pictures.", "input")
    return changes
