"""Projects are made, changed, and put into the trash."""

from typing import Annotated, Any

import strawberry

from app.api.context import Info, viewer
from app.api.enums import ProjectRole
from app.api.errors import UserError, errors_in
from app.api.ids import document_id
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT
from app.api.pictures import PictureInput
from app.api.project_pictures import taken_in
from app.api.projects import TYPE_NAME, Project
from app.errors import bad_input
from app.projects import model as stored
from app.projects.made_once import Call
from app.projects.words import (
    CONTEXT_TEXT_MAX_CHARACTERS,
    NAME_MAX_CHARACTERS,
    PICTURES_MAX,
    Words,
    as_context_text,
    as_name,
)

PROJECT_ID = "The id of a `Project`."
_NAME = f"What it is called, 1 to {NAME_MAX_CHARACTERS} characters."
_TEXT = f"What the whole video is about, at most {CONTEXT_TEXT_MAX_CHARACTERS:,} characters."
_PICTURES = f"Pictures that show what the whole video is about, at most {PICTURES_MAX}; they become the owner's."
_PATH = ("input", "contextPictures")


@strawberry.input(description="A new project.")
class CreateProjectInput:
    """What `createProject` takes."""

    name: str = strawberry.field(description=_NAME)
    context_text: str | None = strawberry.field(default=None, description=_TEXT)
    context_pictures: list[PictureInput] | None = strawberry.field(default=None, description=_PICTURES)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="A project, and what is to be different about it; what is left out stays as it is.")
class UpdateProjectInput:
    """What `updateProject` takes."""

    project_id: strawberry.ID = strawberry.field(description=PROJECT_ID)
    name: strawberry.Maybe[str] = strawberry.field(description=_NAME)
    context_text: strawberry.Maybe[str | None] = strawberry.field(description=f"{_TEXT} Null or empty: none any more.")
    context_pictures: strawberry.Maybe[list[PictureInput]] = strawberry.field(
        description=f"In place of those before, which may be named again by their ids. {_PICTURES}"
    )


@strawberry.input(description="A project that is not needed any more.")
class DeleteProjectInput:
    """What `deleteProject` takes."""

    project_id: strawberry.ID = strawberry.field(description="The id of a `Project` of your own.")


@strawberry.type
class _OneProject:
    """What mutations of a project answer."""

    project: Project | None = strawberry.field(default=None, description="The project as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type(description="The project, or why there is none.")
class CreateProjectPayload(_OneProject):
    """What `createProject` answers."""


@strawberry.type(description="The project, or why nothing was changed.")
class UpdateProjectPayload(_OneProject):
    """What `updateProject` answers."""


@strawberry.type(description="The project in the trash, or why it could not go there.")
class DeleteProjectPayload(_OneProject):
    """What `deleteProject` answers."""


@strawberry.type
class ProjectMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(CreateProjectPayload)
    async def create_project(
        self, info: Info, input: Annotated[CreateProjectInput, INPUT]
    ) -> CreateProjectPayload | None:
        """Begin a video project, which is your own, with a chat of its own.

        Invite others with `inviteToProject`; all that they make in it is yours, its costs too.
        """
        who, given, projects = viewer(info), await keyed(input), info.context.services.projects
        call = Call(who.user_id, given.key, given.asked)
        project = await projects.known(call)
        if project is None:
            words = Words(as_name(input.name), as_context_text(input.context_text))
            pictures = await taken_in(info, input.context_pictures or (), who.user_id, PICTURES_MAX, _PATH)
            project = await projects.create(call, words, pictures)
        return CreateProjectPayload(project=Project.of(project))

    @strawberry.mutation
    @errors_in(UpdateProjectPayload)
    async def update_project(
        self, info: Info, input: Annotated[UpdateProjectInput, INPUT]
    ) -> UpdateProjectPayload | None:
        """Change what is said of a project; takes an EDITOR. What was made in it stays as it is."""
        who, project_id = viewer(info), document_id(input.project_id, TYPE_NAME, "input", "projectId")
        projects = info.context.services.projects
        project = await projects.open_to(who.user_id, project_id, ProjectRole.EDITOR, "input", "projectId")
        changed = await projects.update(project, await _changes(info, input, project))
        return UpdateProjectPayload(project=Project.of(changed))

    @strawberry.mutation
    @errors_in(DeleteProjectPayload)
    async def delete_project(
        self, info: Info, input: Annotated[DeleteProjectInput, INPUT]
    ) -> DeleteProjectPayload | None:
        """Put a project of your own into the trash, with all that is in it.

        There nothing can be changed in it, and only you see it: `viewer.projects(inTrash: true)`. `restore` takes it
        back out, its members and all; `deleteForever` ends it.
        """
        who, project_id = viewer(info), document_id(input.project_id, TYPE_NAME, "input", "projectId")
        return DeleteProjectPayload(
            project=Project.of(await info.context.services.projects.discard(who.user_id, project_id))
        )


async def _changes(info: Info, input: UpdateProjectInput, project: stored.Project) -> dict[str, Any]:
    """What was given, as it is kept, by the document's keys."""
    changes = dict[str, Any]()
    if input.name is not None:
        changes["name"] = as_name(input.name.value)
    if input.context_text is not None:
        changes["contextText"] = as_context_text(input.context_text.value)
    if input.context_pictures is not None:
        given, shown = input.context_pictures.value, project.context_picture_ids
        changes["contextPictureIds"] = await taken_in(info, given, project.owner_id, PICTURES_MAX, _PATH, shown)
    if not changes:
        raise bad_input("Say what is to be different: a name, a context text, context pictures.", "input")
    return changes
