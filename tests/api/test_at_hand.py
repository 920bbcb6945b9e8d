"""Of a list no more is read than is asked for: each field alone answers there as it does where all is read."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest
from beanie import PydanticObjectId
from graphql import get_named_type, is_leaf_type, is_required_argument
from pymongo.asynchronous.database import AsyncDatabase

from app.api.at_hand import Keys
from app.api.ids import global_id
from app.database.document import utc_now
from app.dreams.model import Aside
from app.ornaments.asked import ModelType, Role
from app.ornaments.model import OrnamentImage, SourcePicture
from app.pictures.model import Picture
from tests.api.operations import SCHEMA
from tests.api.shop import Shop, opened_shop
from tests.chats.exchanges import stocked_chat
from tests.dreams.dreams import dream_of, illustration_of, interpretation_of
from tests.ornaments.images import image_of, picture_of

_OF_VIEWER: Final = "query {{ viewer {{ {field} {{ nodes {{ id {asked} }} }} }} }}"
_OF_CHAT: Final = (
    "query ($chat: ID!) {{ node(id: $chat) {{ ... on Chat {{ messages {{ nodes {{ id {asked} }} }} }} }} }}"
)
_WHOLE: Final = "query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {type} {{ id {asked} }} }} }}"
_BELOW: Final = 4
"""So many fields of what is below: more of each object of a list in a list is refused."""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as nobody:
        yield await nobody.joined()


def _fields(type_name: str) -> Iterator[str]:
    """Each field of a type that needs no argument, with something of what is below it."""
    kind: Any = SCHEMA.type_map[type_name]
    for name, field in kind.fields.items():
        if any(is_required_argument(one) for one in field.args.values()):
            continue
        below = cast("Any", get_named_type(field.type))
        if is_leaf_type(below):
            yield name
        else:
            leaves = [one for one, it in below.fields.items() if is_leaf_type(get_named_type(it.type))]
            yield f"{name} {{ {' '.join(leaves[:_BELOW])} __typename }}"


async def _compared(shop: Shop, type_name: str, listed: str, **variables: Any) -> None:
    """Each field alone, of the objects of the list; and all fields of the same objects by their ids."""
    fields, whole = [*_fields(type_name)], dict[str, Any]()
    for asked in fields:
        (root,) = (await shop.run(listed.format(asked=asked), variables)).values()
        (page,) = root.values()
        if not whole:
            query = _WHOLE.format(type=type_name, asked=" ".join(fields))
            found = (await shop.run(query, {"ids": [one["id"] for one in page["nodes"]]}))["nodes"]
            whole = {one["id"]: one for one in found}
            assert len(whole) > 1
        for one in page["nodes"]:
            assert one == {name: whole[one["id"]][name] for name in one}, asked


async def _stored_picture(shop: Shop) -> Picture:
    picture = picture_of(shop.owner_id)
    await picture.insert()
    return picture


async def test_image_of_a_gallery_answers_each_field_as_it_does_alone(shop: Shop) -> None:
    picture = await _stored_picture(shop)
    sources = tuple(SourcePicture(role=role, picture_id=picture.identity, name="Ring") for role in Role)
    said: dict[str, Any] = {"measurements": "5 cm", "model_type": next(iter(ModelType)), "note": "a note"}
    own: dict[str, Any] = {"name": "The ring", "favourite": True, "tags": ("gold",), "applied": ("white",)}
    root = image_of(shop.owner_id, picture_id=picture.identity, sources=sources, **said, **own)
    for image in (root, child := image_of(shop.owner_id, parent=root), image_of(shop.owner_id, parent=child)):
        await image.insert()
    await _compared(shop, "OrnamentImage", _OF_VIEWER.replace("{field}", "ornamentImages"))


async def test_dream_of_a_journal_answers_each_field_as_it_does_alone(shop: Shop) -> None:
    picture, now = await _stored_picture(shop), utc_now()
    dreams = [dream_of(shop.owner_id, number, now, illustration=illustration_of(picture.identity)) for number in (0, 1)]
    dreams[1].aside = Aside(interpretation=interpretation_of(), illustration=illustration_of(picture.identity))
    for dream in dreams:
        await dream.insert()
    await _compared(shop, "Dream", _OF_VIEWER.replace("{field}", "dreams"))
    (versions, _) = (
        await shop.run("{ viewer { dreams { nodes { versions { nodes { interpretation { narrative } } } } } } }")
    )["viewer"]["dreams"]["nodes"]
    assert versions["versions"]["nodes"] == [{"interpretation": {"narrative": interpretation_of().narrative}}]


async def test_message_of_a_chat_answers_each_field_as_it_does_alone(shop: Shop) -> None:
    there = await stocked_chat(await _stored_picture(shop), PydanticObjectId())
    await _compared(shop, "ChatMessage", _OF_CHAT, chat=there["Chat"])
    deep = """images { image { messageId chatId depth rootId picture { id } } } contextImages { picture { id } }
      analysis { picture { id } }"""
    shown = (await shop.run(_OF_CHAT.format(asked=deep), {"chat": there["Chat"]}))["node"]["messages"]["nodes"]
    whole = await shop.run(_WHOLE.format(type="ChatMessage", asked=deep), {"ids": [one["id"] for one in shown]})
    assert shown == whole["nodes"]
    assert [
        one["images"][0]["image"]["messageId"] for one in shown if one["images"][:1] and one["images"][0]["image"]
    ] == [there["ChatMessage"]]


async def test_variables_decide_what_is_read(shop: Shop) -> None:
    root = image_of(shop.owner_id)
    await root.insert()
    query = """query ($more: Boolean!) { viewer { ornamentImages { nodes {
      id kind @include(if: $more) childCount @skip(if: $more) } } } }"""
    for more, shown in (
        (True, {"kind": "WHITE_BACKGROUND"}),
        (False, {"childCount": 0}),
        (True, {"kind": "WHITE_BACKGROUND"}),
    ):
        nodes = (await shop.run(query, {"more": more}))["viewer"]["ornamentImages"]["nodes"]
        assert nodes == [{"id": global_id("OrnamentImage", root.identity), **shown}]


async def test_fragments_and_edges_tell_what_is_read(shop: Shop) -> None:
    picture = await _stored_picture(shop)
    root = image_of(shop.owner_id, picture_id=picture.identity)
    await root.insert()
    shown = await shop.run(
        """fragment More on OrnamentImage { ... on Node { id } ... { depth picture { id } } }
        { viewer { ornamentImages { edges { node { ...More other: combinedPrompt } } edges { node { kind } } } } }"""
    )
    assert shown["viewer"]["ornamentImages"]["edges"] == [
        {
            "node": {
                "id": global_id("OrnamentImage", root.identity),
                "depth": 0,
                "picture": {"id": global_id("Picture", picture.identity)},
                "other": root.combined_prompt,
                "kind": "WHITE_BACKGROUND",
            }
        }
    ]


async def test_parent_that_is_reached_in_any_way_answers_what_is_asked_there(shop: Shop) -> None:
    root = image_of(shop.owner_id, name="The root")
    children = [image_of(shop.owner_id, parent=root) for _ in range(3)]
    for image in (root, *children, image_of(shop.owner_id, parent=children[0])):
        await image.insert()
    ways = """favourite childCount parent { id } siblings { nodes { id parent { name childCount } } }
      children { nodes { parent { createdAt parent { prompt } } } } tree { edges { node { parent { kind depth } } } }
      ancestors { tags parent { rootId } } root { note parent { id } }"""
    for page in ("ornamentImages(first: 1)", "ornamentImages(last: 2)", "ornamentImages"):
        shown = (await shop.run(_OF_VIEWER.format(field=page, asked=ways)))["viewer"]
        (nodes,) = (one["nodes"] for one in shown.values())
        whole = await shop.run(_WHOLE.format(type="OrnamentImage", asked=ways), {"ids": [one["id"] for one in nodes]})
        assert nodes == whole["nodes"]


def test_part_of_what_lies_under_a_key_is_read_unless_all_of_it_is() -> None:
    keys = Keys.of(OrnamentImage, rootId="lineage.rootId", depth="lineage", kind="other.part")
    assert keys.asked({"rootId", "name", "unknown"}) == {"lineage.rootId", "name"}
    assert keys.asked({"rootId", "depth", "kind"}) == {"lineage"}
