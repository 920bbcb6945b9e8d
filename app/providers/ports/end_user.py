"""What a provider is told about who asks."""

import hashlib

from beanie import PydanticObjectId


def end_user(owner_id: PydanticObjectId) -> str:
    """An opaque name, always the same one of a user: 64 hexadecimal digits."""
    return hashlib.sha256(b"regen end user " + owner_id.binary).hexdigest()
