"""A row is read like its document."""

from typing import Any

import bson
import pytest
from beanie import PydanticObjectId
from beanie.odm.utils.dump import get_dict
from pydantic import BaseModel
from pymongo.asynchronous.database import AsyncDatabase

from app.bootstrap.database import DOCUMENTS
from app.chats.model import ChatKind
from app.database.document import StoredDocument, utc_now
from app.database.row import checked, row_type
from app.dreams.model import Aside, Dream
from app.dreams.parts import DreamStatus
from app.generations.attempts import Call
from app.generations.model import Generation, Status
from app.generations.recipe import Recipe, UsedTemplate
from app.lineage.place import Lineage
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture
from tests.chats.exchanges import exchange_of
from tests.chats.rooms import chat_of, project_of
from tests.dreams.dreams import dream_of, illustration_of, interpretation_of
from tests.indexed import point_at
from tests.ornaments.images import image_of, picture_of

pytestmark = pytest.mark.usefixtures("_documents_known")
_OWNER = PydanticObjectId()


@pytest.fixture
async def _documents_known(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Documents are made only once they know their database."""
    await point_at(database, DOCUMENTS)


def _generation() -> Generation:
    used = UsedTemplate(template_id=PydanticObjectId(), revision=2)
    recipe = Recipe(task="ADJUST", prompts=("a", "b"), pictures=(), provider="p", model="m", template=used)
    call = Call(number=1, attempt=1, provider="p", model="m", billable=True, started_at=utc_now())
    made = Generation.queued(_OWNER, "ORNAMENT", recipe, "key", utc_now())
    made.calls = [call]
    return made


def _documents() -> list[StoredDocument]:
    root = image_of(_OWNER, tags=("gold",))
    dream = dream_of(_OWNER, 0, utc_now(), illustration=illustration_of(PydanticObjectId()))
    dream.aside = Aside(interpretation=interpretation_of())
    exchange = exchange_of(chat_of(project_of(_OWNER), ChatKind.MAIN), 0)
    return [root, image_of(_OWNER, parent=root), picture_of(_OWNER), dream, exchange, _generation()]


def _raw(document: BaseModel) -> dict[str, Any]:
    """As the driver hands it back."""
    raw: Any = bson.decode(bson.encode(document.model_dump(by_alias=True)))  # pyright: ignore[reportUnknownMemberType] - it is typed in part
    return {**raw}


def _same(read: Any, document: Any) -> None:
    if isinstance(document, BaseModel):
        for name in type(document).model_fields:
            _same(getattr(read, name), getattr(document, name))
    elif isinstance(document, tuple | list):
        assert type(read) is type(document)  # pyright: ignore[reportUnknownArgumentType] - of whatever
        for one, other in zip(read, document, strict=True):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - the same
            _same(one, other)
    else:
        assert read == document
        assert isinstance(read, type(document)) or isinstance(document, PydanticObjectId)


async def test_row_has_every_attribute_of_its_document() -> None:
    for document in _documents():
        _same(type(document).of_row(_raw(document)), document)


async def test_what_is_stored_of_a_document_is_what_beanie_would_store() -> None:
    for document in _documents():
        stored: bytes = bson.encode(document.as_row())  # pyright: ignore[reportUnknownMemberType] - it is typed in part
        assert stored == bson.encode(get_dict(document, to_db=True))  # pyright: ignore[reportUnknownMemberType] - the same


async def test_row_is_found_by_its_id_and_no_other() -> None:
    picture = picture_of(_OWNER)
    await picture.insert()
    found = await Picture.row_by_id(picture.identity, ("sha256",))
    assert found is not None
    assert (found.identity, found.sha256) == (picture.identity, picture.sha256)
    assert await Picture.row_by_id(PydanticObjectId()) is None


async def test_row_has_the_properties_of_its_document() -> None:
    root, child, *_ = _documents()
    assert isinstance(root, OrnamentImage)
    row = OrnamentImage.of_row(_raw(child))
    assert row.identity == child.identity
    assert row.lineage.parent_id == root.identity
    assert row.lineage.child_of(row.identity) == Lineage.below(root.identity, child.identity)


async def test_what_was_not_read_and_has_no_default_is_an_error() -> None:
    row = Dream.of_row({"_id": _OWNER, "status": "READY"})
    assert row.status is DreamStatus.READY
    assert row.making is None
    with pytest.raises(KeyError, match="text"):
        assert row.text


async def test_attribute_of_a_row_can_be_kept_in_another_document() -> None:
    dream = _documents()[3]
    assert isinstance(dream, Dream)
    aside = Dream.of_row(_raw(dream)).aside
    assert aside
    assert checked(Aside, aside) == dream.aside
    assert checked(Aside, checked(Aside, aside)) == dream.aside


async def test_state_is_of_its_enumeration() -> None:
    assert row_type(Generation)({"status": "QUEUED"}).status is Status.QUEUED
