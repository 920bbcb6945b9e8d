"""A Cloudinary account: its addresses, and what is signed with its secret."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cloudinary import (  # type: ignore[import-untyped] # pyright: ignore[reportMissingTypeStubs] -- it ships no types
    utils,
)

_API_URL = "https://api.cloudinary.com"
_DELIVERY_URL = "https://res.cloudinary.com"
_FOLDER = "regen/"
"""Before each public id, so that what is ours is seen to be in an account that is used for more."""

_sdk: Any = utils


@dataclass(frozen=True, slots=True)
class Account:
    """Speaks and signs for one cloud; nothing is taken from the SDK's own configuration.

    `api_url` and `delivery_url` are without a slash at the end; `shared`: the delivery's host serves several
    clouds, so that its paths begin with the cloud's name. `algorithm`, `long_signature`: as the account is set up.
    """

    cloud: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    api_url: str = _API_URL
    delivery_url: str = _DELIVERY_URL
    shared: bool = True
    algorithm: str = "sha1"
    long_signature: bool = False

    @classmethod
    def parse(cls, url: str, api_url: str | None = None, delivery_url: str | None = None) -> Self:
        """The account of `cloudinary://KEY:SECRET@CLOUD`, as the SDK reads it.

        A host of its own may follow as the path, `signature_algorithm` and `long_url_signature` as the query. The
        other two addresses are of proxies, or stand-ins.
        """
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        own_host = parts.path.strip("/")
        return cls(
            cloud=parts.hostname or "",
            key=parts.username or "",
            secret=parts.password or "",
            api_url=(api_url or _API_URL).rstrip("/"),
            delivery_url=(delivery_url or (f"https://{own_host}" if own_host else _DELIVERY_URL)).rstrip("/"),
            shared=not own_host or delivery_url is not None,
            algorithm=query.get("signature_algorithm", "sha1"),
            long_signature=query.get("long_url_signature", "").lower() == "true",
        )

    def endpoint(self, path: str) -> str:
        """Where a call goes."""
        return f"{self.api_url}/v1_1/{self.cloud}/{path}"

    def signed(self, parameters: Mapping[str, object]) -> dict[str, str]:
        """The fields of a call, with its time, the key and the signature."""
        options = {
            "api_key": self.key,
            "api_secret": self.secret,
            "signature_algorithm": self.algorithm,
            "signature_version": 2,
        }
        signed = _sdk.sign_request({**parameters, "timestamp": int(time.time())}, options)
        return {name: str(value) for name, value in signed.items()}

    def link(self, name: str, ending: str, version: str | None, width: int) -> str:
        """A signed link that does not expire: the stored bytes, or at most `width` pixels wide, if that is not 0.

        A smaller one comes in the best format that its client asks for.
        """
        smaller = {"width": width, "crop": "limit", "quality": "auto", "fetch_format": "auto"} if width else {}
        link, _ = _sdk.cloudinary_url(
            name,
            resource_type="image",
            type="authenticated",
            format=ending,
            version=version,
            cloud_name=self.cloud,
            api_secret=self.secret,
            sign_url=True,
            signature_algorithm=self.algorithm,
            long_url_signature=self.long_signature,
            private_cdn=not self.shared,
            **_host(self.delivery_url),
            **_NOTHING_OF_THE_ENVIRONMENT,
            **smaller,
        )
        return str(link)


def public_id(key: str) -> str:
    """What Cloudinary calls the picture of a key; the ending is not part of it."""
    return _FOLDER + key.rpartition(".")[0]


def _host(address: str) -> dict[str, object]:
    scheme, _, host = address.partition("://")
    if scheme == "https":
        return {"secure": True, "secure_distribution": host}
    return {"secure": False, "cname": host}


_NOTHING_OF_THE_ENVIRONMENT: Mapping[str, object] = {
    # The SDK takes what is not said from variables and from CLOUDINARY_URL, for all accounts of the process.
    "auth_token": False,
    "cdn_subdomain": False,
    "dpr": None,
    "force_version": True,
    "responsive_width": False,
    "secure_cdn_subdomain": False,
    "shorten": False,
    "use_fetch_format": False,
    "use_root_path": False,
}
