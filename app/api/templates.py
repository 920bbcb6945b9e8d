"""Saved prompts with places to fill in, as clients see them."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId

from app.access import own
from app.api.connections import After, Connection, First, Listing, Page
from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.ids import document_id, global_id
from app.api.node import INPUT, Node
from app.generations import recipe
from app.templates import model as stored
from app.templates import service
from app.templates.service import NAME_MAX_CHARACTERS, TEXT_MAX_CHARACTERS, VALUE_MAX_CHARACTERS
from app.templates.wording import VARIABLES_MAX

TYPE_NAME = "Template"
_ID = "The id of a `Template` of yours."
_NAME = f"1 to {NAME_MAX_CHARACTERS} characters."
_TEXT = (
    f"1 to {TEXT_MAX_CHARACTERS:,} characters, with at most {VARIABLES_MAX} variables as `{{name}}`: letters (a to z), "
    "digits and underscores. `{{` and `}}` stand for braces. Nothing in it is evaluated."
)


@strawberry.type(description="What a template said at one time.")
class TemplateRevision:
    """Shown from the document; it never changes."""

    number: int = strawberry.field(description="From 1.")
    name: str = strawberry.field(description="What it was called.")
    text: str = strawberry.field(description="What it said.")
    created_at: datetime = strawberry.field(description="When it was given this wording.")


@strawberry.type(description="A saved prompt with places to fill in.")
class Template(Node):
    """Shown from its document, the revisions left out."""

    name: str = strawberry.field(description="What it is called.")
    text: str = strawberry.field(description="What it says, with its variables as `{name}`.")
    variables: list[str] = strawberry.field(description="The names of the variables in the text, each once.")
    revision: int = strawberry.field(description="The number of its latest wording: `updateTemplate` wants it.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was given its latest wording.")
    document: strawberry.Private[stored.Template]

    @classmethod
    def of(cls, template: stored.Template) -> Self:
        """The template of a document."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, template.identity)),
            name=template.name,
            text=template.text,
            variables=list(template.variables),
            revision=template.revision,
            created_at=template.created_at,
            updated_at=template.updated_at,
            document=template,
        )

    @strawberry.field
    async def use_count(self, info: Info) -> int:
        """How many generations were started from it, of whatever revision; retries count."""
        return await info.context.loaders.template_uses.load(self.document.identity) or 0

    @strawberry.field
    async def revisions(self, info: Info) -> list[TemplateRevision]:
        """All wordings that it ever had, oldest first, the latest among them."""
        found = await info.context.loaders.template_revisions.load(self.document.identity)
        return [
            TemplateRevision(number=one.number, name=one.name, text=one.text, created_at=one.created_at)
            for one in found or ()
        ]


@strawberry.type(description="A page of templates.")
class TemplateConnection(Connection[Template]):
    """Newest first."""


@strawberry.type(description="The template that a wish comes from.")
class UsedTemplate:
    """Shown from a recipe."""

    template_id: strawberry.ID = strawberry.field(description="The `id` of the template, also when that is deleted.")
    revision: int = strawberry.field(description="The wording that was filled in: one of the template's `revisions`.")
    document: strawberry.Private[recipe.UsedTemplate]

    @classmethod
    def of(cls, used: recipe.UsedTemplate) -> Self:
        """What a recipe says of it."""
        identity = strawberry.ID(global_id(TYPE_NAME, used.template_id))
        return cls(template_id=identity, revision=used.revision, document=used)

    @strawberry.field
    async def template(self, info: Info) -> Template | None:
        """The template as it is now; null when it is deleted, or is that of another member of the project."""
        template = await info.context.loaders.templates.load(self.document.template_id)
        shown = own(viewer(info).user_id, template)
        return Template.of(shown) if shown else None


@strawberry.type
class ViewerTemplates:
    """Fields of the viewer."""

    owner_id: strawberry.Private[PydanticObjectId]

    @strawberry.field
    async def templates(self, first: First = None, after: After = None) -> TemplateConnection:
        """The viewer's saved prompts, newest first."""
        owner_id = self.owner_id
        page = Page(Listing("templates", owner_id), first, after)
        found = await stored.Template.page(owner_id, page.stretch)
        return TemplateConnection.of([(one.identity, Template.of(one)) for one in found], page)


@strawberry.input(description="A value for a variable of a template.")
class TemplateVariableInput:
    """One of the list that goes with a `templateId`."""

    name: str = strawberry.field(description="The variable's name, without braces.")
    value: str = strawberry.field(
        description=f"At most {VALUE_MAX_CHARACTERS} characters, taken as they are: braces in it mean nothing."
    )


@strawberry.input(description="A new template.")
class CreateTemplateInput:
    """What `createTemplate` takes."""

    name: str = strawberry.field(description=_NAME)
    text: str = strawberry.field(description=_TEXT)


@strawberry.input(description="What a template shall be like, and what it was like when that was decided.")
class UpdateTemplateInput:
    """What `updateTemplate` takes."""

    id: strawberry.ID = strawberry.field(description=_ID)
    revision: int = strawberry.field(description="The `revision` that you have seen.")
    name: str | None = strawberry.field(default=None, description=f"{_NAME} Null: as it is.")
    text: str | None = strawberry.field(default=None, description=f"{_TEXT} Null: as it is.")


@strawberry.input(description="A template that is not needed any more.")
class DeleteTemplateInput:
    """What `deleteTemplate` takes."""

    id: strawberry.ID = strawberry.field(description=_ID)


@strawberry.type
class _OneTemplate:
    """What mutations of a template answer."""

    template: Template | None = strawberry.field(default=None, description="The template as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type(description="The template, or why there is none.")
class CreateTemplatePayload(_OneTemplate):
    """What `createTemplate` answers."""


@strawberry.type(description="The template, or why nothing was changed.")
class UpdateTemplatePayload(_OneTemplate):
    """What `updateTemplate` answers."""


@strawberry.type(description="What was deleted, or why nothing was.")
class DeleteTemplatePayload:
    """What `deleteTemplate` answers."""

    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="The `id` of what is gone now.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was deleted.")


@strawberry.type
class TemplateMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(CreateTemplatePayload)
    async def create_template(
        self, info: Info, input: Annotated[CreateTemplateInput, INPUT]
    ) -> CreateTemplatePayload | None:
        """Save a prompt with places to fill in, for `regenerateImage`."""
        template = await service.create(viewer(info).user_id, input.name, input.text)
        return CreateTemplatePayload(template=Template.of(template))

    @strawberry.mutation
    @errors_in(UpdateTemplatePayload)
    async def update_template(
        self, info: Info, input: Annotated[UpdateTemplateInput, INPUT]
    ) -> UpdateTemplatePayload | None:
        """Give a template another wording, which is its next revision; the ones before stay readable.

        CONFLICT when it was changed since the `revision` that you have seen: nothing that somebody else wrote is
        overwritten unseen. To say again what it says already changes nothing. A template has at most 100 revisions.
        """
        who, template_id = viewer(info), document_id(input.id, TYPE_NAME, "input", "id")
        template = await service.update(who.user_id, template_id, input.revision, input.name, input.text)
        return UpdateTemplatePayload(template=Template.of(template))

    @strawberry.mutation
    @errors_in(DeleteTemplatePayload)
    async def delete_template(
        self, info: Info, input: Annotated[DeleteTemplateInput, INPUT]
    ) -> DeleteTemplatePayload | None:
        """Delete a template with all its revisions; images that were made with it stay, and keep their prompts."""
        who, template_id = viewer(info), document_id(input.id, TYPE_NAME, "input", "id")
        await service.delete(who.user_id, template_id)
        return DeleteTemplatePayload(deleted_id=strawberry.ID(global_id(TYPE_NAME, template_id)))


async def find(info: Info, identity: PydanticObjectId) -> Template | None:
    """The viewer's own template."""
    who = viewer(info)
    template = own(who.user_id, await info.context.loaders.templates.load(identity))
    return Template.of(template) if template else None
