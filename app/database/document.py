"""What every stored document has in common."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from beanie import Document, PydanticObjectId
from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel
from pymongo.asynchronous.collection import AsyncCollection

from app.database.row import row_type


def only(keys: Collection[str] | None) -> dict[str, int] | None:
    """The projection of those keys, with the `_id`; null for whole documents."""
    return None if keys is None else dict.fromkeys(keys, 1) or {"_id": 1}


def utc_now() -> datetime:
    """Now, with time zone, to the millisecond: what the database keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _aware(value: object) -> object:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


Instant = Annotated[datetime, BeforeValidator(_aware)]
"""A moment in UTC; the driver hands back naive ones."""


def _field_name(name: str) -> str:
    return {"id": "_id", "revision_id": "revision_id"}.get(name) or to_camel(name)


class StoredValue(BaseModel):
    """A value inside a document; its keys in the database are camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class StoredDocument(Document):
    """A document whose keys in the database are camelCase, with the version of its own layout.

    A subclass whose layout changes raises its default of `schema_version` and adds the step to
    `database.upgrade`.
    """

    model_config = ConfigDict(alias_generator=_field_name, populate_by_name=True)

    schema_version: int = 1

    @classmethod
    def rows(cls) -> AsyncCollection[dict[str, Any]]:
        """The collection itself, for named queries that read or write raw rows."""
        return cls.get_pymongo_collection()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - Beanie leaves the type open

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """The document of a row, whole or in part, for those who only read: see `row_type`."""
        return row_type(cls)(row)

    @classmethod
    def of_rows(cls, rows: Iterable[Mapping[str, Any]]) -> list[Self]:
        """The same of each."""
        return [*map(row_type(cls), rows)]

    @classmethod
    async def rows_by_ids(
        cls, ids: Sequence[PydanticObjectId], keys: Collection[str] | None = None
    ) -> Mapping[PydanticObjectId, Self]:
        """Those of `ids` (400 at most) that exist, by id, to be read only; `keys` are what is read, null for all."""
        rows = cls.rows().find({"_id": {"$in": list(ids)}}, only(keys)).batch_size(len(ids) + 1)
        shown = row_type(cls)
        return {row["_id"]: shown(row) for row in await rows.to_list()}

    @classmethod
    async def row_by_id(cls, identity: PydanticObjectId, keys: Collection[str] | None = None) -> Self | None:
        """The one of that id, as `rows_by_ids` has it; null when there is none."""
        return (await cls.rows_by_ids([identity], keys)).get(identity)

    def as_row(self) -> dict[str, Any]:
        """What is stored of it, as Beanie would write it, in a fraction of the time: values as BSON takes them."""
        row: dict[str, Any] = self.model_dump(by_alias=True, serialize_as_any=True)
        return row

    @property
    def identity(self) -> PydanticObjectId:
        """The id, of a document that was stored or was given one."""
        identity = self.id
        if identity is None:
            message = f"this {type(self).__name__} was never stored"
            raise ValueError(message)
        return identity


type DocumentTypes = Sequence[type[StoredDocument]]
