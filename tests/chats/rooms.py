"""Projects and chats as they are stored, made by hand."""

from typing import Any

from beanie import PydanticObjectId

from app.access import Role
from app.chats.model import Chat, ChatKind
from app.database.document import utc_now
from app.projects.model import Member, Project


def project_of(owner_id: PydanticObjectId, **given: Any) -> Project:
    """One of that owner's; not stored yet."""
    now, identity = utc_now(), PydanticObjectId()
    plain: dict[str, Any] = {
        "id": identity,
        "owner_id": owner_id,
        "name": "The sea",
        "idempotency_key": f"{identity}",
        "asked": "",
        "created_at": now,
        "changed_at": now,
    }
    return Project(**plain | given)


def chat_of(project: Project, kind: ChatKind, **given: Any) -> Chat:
    """One of that project; not stored yet."""
    now = utc_now()
    identity = project.identity if kind is ChatKind.MAIN else PydanticObjectId()
    plain: dict[str, Any] = {
        "id": identity,
        "owner_id": project.owner_id,
        "project_id": project.identity,
        "kind": kind,
        "branch_id": identity,
        "idempotency_key": f"{identity}",
        "asked": "",
        "created_at": now,
        "changed_at": now,
    }
    return Chat(**plain | given)


def member_of(user_id: PydanticObjectId, role: Role) -> Member:
    """Somebody who came."""
    return Member(user_id=user_id, role=role, joined_at=utc_now())
