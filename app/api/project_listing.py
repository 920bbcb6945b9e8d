"""The projects that the viewer sees."""

from typing import Annotated

import strawberry
from beanie import PydanticObjectId

from app.api.connections import After, Connection, First, Listing, Page
from app.api.enums import ProjectRole
from app.api.projects import Project
from app.projects import listing

_Role = Annotated[
    ProjectRole | None,
    strawberry.argument(
        description="Only those in which you are this: OWNER for your own, the others for shared ones."
    ),
]
_InTrash = Annotated[
    bool, strawberry.argument(description="True: only those of your own in the trash; false: only the others.")
]


@strawberry.type(description="A page of projects.")
class ProjectConnection(Connection[Project]):
    """Newest first."""


@strawberry.type
class ViewerProjects:
    """Fields of the viewer."""

    owner_id: strawberry.Private[PydanticObjectId]

    @strawberry.field
    async def projects(
        self, *, first: First = None, after: After = None, role: _Role = None, in_trash: _InTrash = False
    ) -> ProjectConnection:
        """The viewer's own projects and those that others have shared with them, newest first."""
        user_id = self.owner_id
        page = Page(Listing("projects", user_id), first, after)
        found = await listing.seen(user_id, page.stretch, role, trashed=in_trash)
        return ProjectConnection.of([(one.identity, Project.of(one)) for one in found], page)
