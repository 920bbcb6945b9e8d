"""Who is an administrator: read from the user's document each time, so that what is revoked ends at once."""

from beanie import PydanticObjectId

from app.access import require_administrator
from app.accounts.model import User
from app.accounts.sessions import account_gone


async def administrator(user_id: PydanticObjectId) -> User:
    """That user, who is an administrator.

    Raises:
        AppError: FORBIDDEN for others; UNAUTHENTICATED if the account was erased.
    """
    user = await User.get(user_id)
    if user is None:
        raise account_gone()
    require_administrator(user)
    return user


async def is_administrator(user_id: PydanticObjectId) -> bool:
    """Whether that user is one."""
    user = await User.get(user_id)
    return user is not None and user.is_admin
