"""Projects as they are stored, made by hand."""

from typing import Any

from beanie import PydanticObjectId

from app.access import Role
from app.database.document import utc_now
from app.projects.model import Member, Project


def member_of(user_id: PydanticObjectId, role: Role = Role.EDITOR) -> Member:
    """Somebody who has just come."""
    return Member(user_id=user_id, role=role, joined_at=utc_now())


def project_of(owner_id: PydanticObjectId, *members: Member, **given: Any) -> Project:
    """One without anything in it; not stored yet."""
    now, identity = utc_now(), PydanticObjectId()
    plain: dict[str, Any] = {
        "id": identity,
        "owner_id": owner_id,
        "idempotency_key": f"{identity}",
        "asked": "",
        "name": "The whale",
        "members": members,
        "created_at": now,
        "changed_at": now,
    }
    return Project(**plain | given)
