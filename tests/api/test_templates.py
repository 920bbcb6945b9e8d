"""Templates through the schema: kept, changed, used for a regeneration, deleted."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.ornaments.model import OrnamentImage
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of, picture_of

_SHOWN = "{ id name text variables revision useCount revisions { number text } }"
_ERRORS = "errors { code path message }"
_CREATE = f"""mutation ($input: CreateTemplateInput!) {{ createTemplate(input: $input) {{
  template {_SHOWN} {_ERRORS} }} }}"""
_UPDATE = f"""mutation ($input: UpdateTemplateInput!) {{ updateTemplate(input: $input) {{
  template {_SHOWN} {_ERRORS} }} }}"""
_DELETE = f"mutation ($input: DeleteTemplateInput!) {{ deleteTemplate(input: $input) {{ deletedId {_ERRORS} }} }}"
_REGENERATE = f"""mutation ($input: RegenerateImageInput!) {{ regenerateImage(input: $input) {{
  generation {{ id recipe {{ prompts template {{ templateId revision template {{ name }} }} }} }} {_ERRORS} }} }}"""
_PAGE = """query ($after: String) { viewer { templates(first: 2, after: $after) {
  nodes { id } pageInfo { endCursor } } } }"""
_TEXT = "Make it {how}"


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


async def _template(shop: Shop, text: str = _TEXT) -> str:
    payload = (await shop.run(_CREATE, {"input": {"name": "Shiny", "text": text}}))["createTemplate"]
    assert payload["errors"] == []
    identity: str = payload["template"]["id"]
    return identity


async def _image(shop: Shop) -> str:
    picture = picture_of(shop.owner_id)
    await picture.insert()
    image = image_of(shop.owner_id, picture_id=picture.identity)
    await OrnamentImage.insert_many([image])
    return global_id("OrnamentImage", image.identity)


async def _regenerated(shop: Shop, **given: Any) -> Any:
    return (await shop.run(_REGENERATE, {"input": {"imageId": await _image(shop), **given}}))["regenerateImage"]


async def test_template_is_kept_changed_listed_and_deleted(shop: Shop) -> None:
    identity = await _template(shop)
    changed = {"id": identity, "revision": 1, "text": "Make it {how} and {what}"}
    template = (await shop.run(_UPDATE, {"input": changed}))["updateTemplate"]["template"]
    assert template == {
        "id": identity,
        "name": "Shiny",
        "text": "Make it {how} and {what}",
        "variables": ["how", "what"],
        "revision": 2,
        "useCount": 0,
        "revisions": [{"number": 1, "text": _TEXT}, {"number": 2, "text": "Make it {how} and {what}"}],
    }
    newer = await _template(shop)
    listed = await shop.run(f"{{ viewer {{ templates(first: 5) {{ nodes {_SHOWN} }} }} }}")
    assert [one["id"] for one in listed["viewer"]["templates"]["nodes"]] == [newer, identity]
    assert listed["viewer"]["templates"]["nodes"][1] == template
    gone = (await shop.run(_DELETE, {"input": {"id": identity}}))["deleteTemplate"]
    assert gone == {"deletedId": identity, "errors": []}
    again = (await shop.run(_DELETE, {"input": {"id": identity}}))["deleteTemplate"]
    assert [one["code"] for one in again["errors"]] == ["NOT_FOUND"]


async def test_stale_revision_is_a_conflict_in_the_payload(shop: Shop) -> None:
    identity = await _template(shop)
    for text, codes in (("two", []), ("three", ["CONFLICT"])):
        payload = await shop.run(_UPDATE, {"input": {"id": identity, "revision": 1, "text": text}})
        assert [one["code"] for one in payload["updateTemplate"]["errors"]] == codes


async def test_pages_of_templates_join(shop: Shop) -> None:
    made = [await _template(shop) for _ in range(5)]
    seen, after = list[str](), None
    for _ in range(3):
        page = (await shop.run(_PAGE, {"after": after}))["viewer"]["templates"]
        seen += [one["id"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == made[::-1]


async def test_regeneration_by_template_keeps_template_and_revision(shop: Shop) -> None:
    identity = await _template(shop)
    how = [{"name": "how", "value": "shine {like} gold"}]
    payload = await _regenerated(shop, templateId=identity, variables=how)
    assert payload["errors"] == []
    recipe = payload["generation"]["recipe"]
    assert recipe["prompts"][-1] == "Make it shine {like} gold"
    assert recipe["template"] == {"templateId": identity, "revision": 1, "template": {"name": "Shiny"}}
    await shop.run(_DELETE, {"input": {"id": identity}})
    query = "query ($id: ID!) { generation(id: $id) { recipe { prompts template { revision template { name } } } } }"
    kept = (await shop.run(query, {"id": payload["generation"]["id"]}))["generation"]["recipe"]
    assert kept == {"prompts": recipe["prompts"], "template": {"revision": 1, "template": None}}


async def test_prompt_comes_behind_the_words_of_the_template(shop: Shop) -> None:
    identity = await _template(shop, "Make it shine.")
    payload = await _regenerated(shop, templateId=identity, prompt=" Keep the stone blue ")
    assert payload["generation"]["recipe"]["prompts"][-1] == "Make it shine. Keep the stone blue"
    alone = await _regenerated(shop, prompt="Keep the stone blue")
    assert alone["generation"]["recipe"]["prompts"][-1] == "Keep the stone blue"
    assert alone["generation"]["recipe"]["template"] is None


async def test_generation_that_is_asked_for_again_counts_once(shop: Shop) -> None:
    identity, image_id = await _template(shop, "Make it shine"), await _image(shop)
    ids = set[str]()
    for key in ("a", "a", "b"):
        wanted = {"imageId": image_id, "templateId": identity, "idempotencyKey": key}
        ids.add((await shop.run(_REGENERATE, {"input": wanted}))["regenerateImage"]["generation"]["id"])
    shown = await shop.run("query ($id: ID!) { node(id: $id) { ... on Template { useCount } } }", {"id": identity})
    assert (len(ids), shown["node"]["useCount"]) == (2, 2)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, ["input", "prompt"]),
        ({"prompt": " "}, ["input", "prompt"]),
        ({"prompt": "a", "variables": [{"name": "how", "value": "b"}]}, ["input", "variables"]),
        ({"templateId": "", "prompt": "a"}, ["input", "templateId"]),
        ({"templateId": "own"}, ["input", "variables"]),
        ({"templateId": "own", "variables": [{"name": "x", "value": "b"}]}, ["input", "variables", "0", "name"]),
    ],
)
async def test_wish_that_does_not_fit_together_is_refused_with_its_path(
    shop: Shop, given: dict[str, Any], path: list[str]
) -> None:
    if given.get("templateId") == "own":
        given = {**given, "templateId": await _template(shop)}
    payload = await _regenerated(shop, **given)
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("BAD_USER_INPUT", path)]
    assert payload["generation"] is None


async def test_template_that_comes_to_more_than_a_prompt_may_be_is_refused(shop: Shop) -> None:
    identity = await _template(shop, "{a} {b} {c} {d} {e}")
    values = [{"name": name, "value": "x" * 500} for name in "abcde"]
    payload = await _regenerated(shop, templateId=identity, variables=values)
    assert [one["path"] for one in payload["errors"]] == [["input", "variables"]]


async def test_templates_of_others_are_not_shown_and_not_used(shop: Shop) -> None:
    identity, other = await _template(shop, "Make it shine"), await shop.joined()
    assert (await other.run("query ($id: ID!) { node(id: $id) { id } }", {"id": identity}))["node"] is None
    assert (await other.run("{ viewer { templates { nodes { id } } } }"))["viewer"]["templates"]["nodes"] == []
    payload = await _regenerated(other, templateId=identity)
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("FORBIDDEN", ["input", "templateId"])]
