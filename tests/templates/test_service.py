import asyncio
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.generations.model import Generation
from app.generations.recipe import Recipe, UsedTemplate
from app.templates.model import Template
from app.templates.service import REVISIONS_MAX, create, delete, fill, update
from app.templates.uses import uses_of
from tests.indexed import point_at

_ADA, _BOB = PydanticObjectId(), PydanticObjectId()


@pytest.fixture(autouse=True)
async def _documents(database: AsyncDatabase[dict[str, Any]]) -> None:
    await point_at(database, [Template, Generation])


async def _refused(doing: Any) -> AppError:
    with pytest.raises(AppError) as refusal:
        await doing
    return refusal.value


def _texts(revisions: Any) -> list[tuple[int, str]]:
    return [(one.number, one.text) for one in revisions]


async def test_every_wording_stays_readable() -> None:
    template = await create(_ADA, "  Shiny\n one ", " Make it {how} ")
    assert (template.name, template.text, template.variables) == ("Shiny one", "Make it {how}", ("how",))
    await update(_ADA, template.identity, 1, None, "Make it {how} and {what}")
    latest = await update(_ADA, template.identity, 2, "Shinier", None)
    assert (latest.revision, latest.name, latest.variables) == (3, "Shinier", ("how", "what"))
    kept = (await Template.revisions_of([template.identity]))[template.identity]
    assert _texts(kept) == [(1, "Make it {how}"), (2, "Make it {how} and {what}"), (3, "Make it {how} and {what}")]
    assert [one.name for one in kept] == ["Shiny one", "Shiny one", "Shinier"]


async def test_stale_revision_is_a_conflict_that_says_what_to_do() -> None:
    template = await create(_ADA, "a", "one")
    await update(_ADA, template.identity, 1, None, "two")
    refusal = await _refused(update(_ADA, template.identity, 1, None, "three"))
    assert (refusal.code, refusal.path) == (ErrorCode.CONFLICT, ("input", "revision"))
    assert "revision 2" in refusal.message
    assert "read it again" in refusal.message
    assert (await Template.by_ids([template.identity]))[template.identity].text == "two"


async def test_of_many_who_saw_the_same_revision_one_writes_and_the_others_are_told() -> None:
    template = await create(_ADA, "a", "one")
    outcomes = await asyncio.gather(
        *(update(_ADA, template.identity, 1, None, f"by {n}") for n in range(6)), return_exceptions=True
    )
    written = [one for one in outcomes if isinstance(one, Template)]
    refused = [one for one in outcomes if isinstance(one, AppError)]
    assert ([one.revision for one in written], [one.code for one in refused]) == ([2], [ErrorCode.CONFLICT] * 5)
    kept = (await Template.revisions_of([template.identity]))[template.identity]
    assert _texts(kept) == [(1, "one"), (2, written[0].text)]


async def test_update_that_is_repeated_makes_no_further_revision() -> None:
    template = await create(_ADA, "a", "one")
    for _ in range(2):
        again = await update(_ADA, template.identity, 1, "b", "two")
        assert (again.revision, again.name, again.text) == (2, "b", "two")


async def test_template_has_a_bounded_number_of_revisions() -> None:
    template = await create(_ADA, "a", "one")
    await Template.rows().update_one({"_id": template.identity}, {"$set": {"revision": REVISIONS_MAX}})
    refusal = await _refused(update(_ADA, template.identity, REVISIONS_MAX, None, "more"))
    assert refusal.code is ErrorCode.CONFLICT


@pytest.mark.parametrize(
    ("name", "text", "at_fault"),
    [
        (" ", "one", "name"),
        ("a" * 101, "one", "name"),
        ("a", "  ", "text"),
        ("a", "o" * 2_001, "text"),
        ("a", "{", "text"),
    ],
)
async def test_words_that_are_not_taken_are_refused_with_their_path(name: str, text: str, at_fault: str) -> None:
    refusal = await _refused(create(_ADA, name, text))
    assert (refusal.code, refusal.path) == (ErrorCode.BAD_USER_INPUT, ("input", at_fault))
    assert await Template.count() == 0


async def test_others_can_neither_change_nor_use_nor_delete_it() -> None:
    template = await create(_ADA, "a", "one")
    for doing in (
        update(_BOB, template.identity, 1, None, "two"),
        fill(_BOB, template.identity, []),
        delete(_BOB, template.identity),
    ):
        assert (await _refused(doing)).code is ErrorCode.FORBIDDEN
    assert (await Template.by_ids([template.identity]))[template.identity].text == "one"


async def test_filled_in_template_says_which_revision_it_was() -> None:
    template = await create(_ADA, "a", "Make it {how}. {{really}}")
    await update(_ADA, template.identity, 1, None, "Make it {how}, {{really}}")
    done = await fill(_ADA, template.identity, [("how", "shine {{x}}")])
    assert done.text == "Make it shine {{x}}, {really}"
    assert done.template == UsedTemplate(template_id=template.identity, revision=2)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([], ("input", "variables")),
        ([("how", "a")], ("input", "variables")),
        ([("how", "a"), ("what", "b"), ("where", "c")], ("input", "variables", "2", "name")),
        ([("how", "a"), ("how", "b")], ("input", "variables", "1", "name")),
        ([("how", "a" * 501), ("what", "b")], ("input", "variables", "0", "value")),
    ],
)
async def test_missing_unknown_doubled_and_endless_values_are_refused_with_their_path(
    values: list[tuple[str, str]], path: tuple[str, ...]
) -> None:
    template = await create(_ADA, "a", "{how} {what}")
    refusal = await _refused(fill(_ADA, template.identity, values))
    assert (refusal.code, refusal.path) == (ErrorCode.BAD_USER_INPUT, path)


async def test_missing_values_are_named() -> None:
    template = await create(_ADA, "a", "{how} {what}")
    assert "`what`" in (await _refused(fill(_ADA, template.identity, [("how", "a")]))).message


async def test_deleted_template_does_not_exist() -> None:
    template = await create(_ADA, "a", "one")
    await delete(_ADA, template.identity)
    assert (await _refused(fill(_ADA, template.identity, []))).code is ErrorCode.NOT_FOUND
    assert await Template.revisions_of([template.identity]) == {}


async def test_uses_are_the_generations_that_were_started() -> None:
    used, unused = await create(_ADA, "a", "one"), await create(_ADA, "b", "two")
    for revision in (1, 1, 2):
        by = UsedTemplate(template_id=used.identity, revision=revision)
        recipe = Recipe(task="T", prompts=("a",), pictures=(), provider="p", model="m", template=by)
        await Generation.start(Generation.queued(_ADA, "K", recipe, f"{PydanticObjectId()}", utc_now()))
    bare = Recipe(task="T", prompts=("a",), pictures=(), provider="p", model="m")
    await Generation.start(Generation.queued(_ADA, "K", bare, f"{PydanticObjectId()}", utc_now()))
    assert await uses_of([used.identity, unused.identity]) == {used.identity: 3}
