"""The use cases and the schema over a database of a test's own, without a server and without workers."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.accounts.model import User
from app.accounts.service import Viewer
from app.accounts.sessions import Client
from app.api.context import Context
from app.api.schema import show_result
from app.api.services import Services
from app.bootstrap.parts import Parts, assemble
from app.database.document import utc_now
from tests.api.both import schema
from tests.given import settings_from
from tests.indexed import opened_indexed

PASSWORD = "a quiet sea at night"
_HASH = "$argon2id$v=19$m=8,t=1,p=1$J0j8Fvz8WRH/tcAUN/C71w$KH8ZANpQS7RgQPTchd70KFXfmDCftsZeN+/t30g/RgI"
"""Of that password, at next to no cost."""
BARE: Mapping[str, None] = dict.fromkeys(("redis_url", "google_api_key", "openai_api_key", "cloudinary_url"))


@dataclass(frozen=True, slots=True)
class Shop:
    """One person at the schema; nobody, until someone has signed up."""

    services: Services
    viewer: Viewer | None = None

    def context(self) -> Context:
        """That of a new request."""
        return Context(
            services=self.services,
            request_id="r",
            base_url="http://regen.test",
            client=Client(None, None),
            show_result=show_result,
            viewer=self.viewer,
        )

    @property
    def owner_id(self) -> PydanticObjectId:
        """The person's."""
        assert self.viewer is not None
        return self.viewer.user_id

    async def joined(self) -> "Shop":
        """The same for a new person, whose password is `PASSWORD`."""
        user = User(
            email="ada@example.com",
            email_key=uuid4().hex,
            name="Ada",
            password_hash=_HASH,
            created_at=utc_now(),
        )
        assert await user.insert_if_free()
        later = utc_now() + timedelta(hours=1)
        return replace(self, viewer=Viewer(user.identity, PydanticObjectId(), later))

    async def answer(self, query: str, variables: dict[str, Any] | None = None) -> tuple[Any, list[tuple[Any, Any]]]:
        """The data, and the code and the argument of each error."""
        result = await schema.execute(query, variables, context_value=self.context())
        errors = [one.extensions or {} for one in result.errors or ()]
        return result.data, [(one["code"], one.get("argument")) for one in errors]

    async def run(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        """The data of an answer without errors."""
        data, errors = await self.answer(query, variables)
        assert errors == [], (query, errors)
        return data


@asynccontextmanager
async def opened_parts(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, folder: Path, **more: Any
) -> AsyncGenerator[Parts]:
    """What Regen is made of, over that database, whose indexes are there; nothing of it works."""
    url = urlsplit(mongodb_url)._replace(path=f"/{database.name}").geturl()
    settings = settings_from({**BARE, "data_dir": folder, "mongodb_url": url, **more})
    parts = assemble(settings)
    async with opened_indexed(parts):
        yield parts
    await parts.close()


@asynccontextmanager
async def opened_shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, folder: Path) -> AsyncGenerator[Shop]:
    """Nobody's, over that database."""
    async with opened_parts(database, mongodb_url, folder) as parts:
        yield Shop(parts.services)
