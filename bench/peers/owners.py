"""What both servers over the database need: who asks, ids as Regen has them, and signed links to pictures."""

import base64
import hashlib
import hmac
import os
import time
from urllib.parse import urlencode

import jwt
from bson import ObjectId

MONGODB_URL = os.environ.get("MONGODB_URL", "")
_SECRET = os.environ.get("JWT_SECRET", "").encode()
_LINK_KEY = os.environ.get("MEDIA_URL_KEY", "").encode()
_PUBLIC_URL = os.environ.get("PUBLIC_URL", "")
_HOUR_S = 3600
_LIFETIME_HOURS = 2


def owner_of(authorization: str | None) -> ObjectId:
    """Whose access token it is.

    Raises:
        PermissionError: it is nobody's.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise PermissionError("Log in first.")
    try:
        claims = jwt.decode(token, _SECRET, algorithms=["HS256"], audience="regen-api", issuer="regen")  # pyright: ignore[reportUnknownMemberType] - its type names keys of `cryptography`, which HS256 needs not
    except jwt.InvalidTokenError as error:
        raise PermissionError("The access token is not valid.") from error
    return ObjectId(claims["sub"])


def global_id(type_name: str, identity: ObjectId) -> str:
    """The id that clients see."""
    return base64.b64encode(f"{type_name}:{identity}".encode()).decode()


def link_of(key: str) -> str:
    """A signed link to a stored picture, good for one to two hours."""
    path = f"/media/{key}"
    expires = (int(time.time()) // _HOUR_S + _LIFETIME_HOURS) * _HOUR_S
    signature = hmac.new(_LINK_KEY, f"{path}\n0\n{expires}".encode(), hashlib.sha256).hexdigest()[:40]
    return f"{_PUBLIC_URL}{path}?{urlencode({'w': 0, 'e': expires, 's': signature})}"
