"""Images of chats at the schema: who sees them, makes them anew, takes them elsewhere, and throws them away."""

from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from starlette.datastructures import UploadFile

from app.api.ids import global_id
from app.chats.exchange import AnswerStatus, Exchange, Reference
from app.chats.image import ChatImage
from app.database.document import utc_now
from app.generations.model import Generation
from app.lineage.deletion import delete_forever
from app.ornaments.asked import Role
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture
from tests.api.shop import Shop
from tests.chats.studio import PROMPT, Studio, id_of, opened_studio, some_bytes
from tests.ornaments.images import image_of

_NODE = "query ($id: ID!) { node(id: $id) { id } }"
_SHOWN = """query ($id: ID!) { node(id: $id) { ... on ChatImage { source note prompt originalPrompt newPrompt
  combinedPrompt chatId messageId depth parentId rootId trashedAt childCount descendantCount picture { id url }
  parent { id } root { id } ancestors { id } children { nodes { id } } siblings { nodes { id } }
  generation { id result { id } recipe { parentId template { templateId template { id } } } } } } }"""
_AGAIN = """mutation ($input: RegenerateImageInput!) { regenerateImage(input: $input) {
  generation { id recipe { template { template { id } } } } generations { id } errors { code path } } }"""
_UPLOAD = """mutation ($input: UploadPictureInput!) { uploadPicture(input: $input) {
  picture { id } errors { code path } } }"""
_USE = """mutation ($input: UseAsOrnamentInput!) { useAsOrnament(input: $input) {
  generation { id } errors { code path } } }"""
_MOVE = """mutation ($input: MoveToTrashInput!) { moveToTrash(input: $input) { chatImages { id trashedAt }
  errors { code path } } }"""
_RESTORE = (
    """mutation ($input: RestoreInput!) { restore(input: $input) { chatImages { id trashedAt } errors { code } } }"""
)
_DELETE = """mutation ($input: DeleteForeverInput!) { deleteForever(input: $input) { deletedIds
  errors { code path } } }"""
_ESTIMATE = """query ($input: EstimateInput!) { estimate(input: $input) { generations cost { amount } } }"""
_FORBIDDEN_IMAGE = [{"code": "FORBIDDEN", "path": ["input", "imageId"]}]


@pytest.fixture
async def studio(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with opened_studio(database, mongodb_url, tmp_path) as opened:
        yield opened


async def _ask(who: Shop, operation: str, **input: Any) -> Any:
    """What a mutation answers to that input."""
    (answer,) = (await who.run(operation, {"input": input})).values()
    return answer


async def _started(answer: Mapping[str, Any]) -> Generation:
    assert answer["errors"] == []
    newest = await Generation.find_all().sort("-_id").first_or_none()
    assert newest
    assert answer["generation"]["id"] == global_id("Generation", newest.identity)
    return newest


async def test_image_is_shown_to_all_of_its_project_and_to_nobody_else(studio: Studio) -> None:
    root = await studio.image()
    child = await studio.made(await studio.again(root, "Add a boat"))
    for person in (studio.owner, studio.editor, studio.viewer):
        shown = (await person.run(_SHOWN, {"id": id_of(child)}))["node"]
        assert (shown["prompt"], shown["newPrompt"], shown["originalPrompt"]) == ("Add a boat", "Add a boat", PROMPT)
        assert shown["combinedPrompt"] == f"{PROMPT}. Add a boat"
        assert (shown["depth"], shown["parentId"], shown["rootId"]) == (1, id_of(root), id_of(root))
        assert shown["chatId"] == global_id("Chat", studio.chat.identity)
        assert shown["messageId"] == global_id("ChatMessage", root.exchange_id)
        assert (shown["parent"], shown["root"], shown["ancestors"]) == ({"id": id_of(root)},) * 2 + (
            [{"id": id_of(root)}],
        )
        assert shown["generation"]["result"] == {"id": id_of(child)}
        assert shown["generation"]["recipe"]["parentId"] == id_of(root)
        assert shown["picture"]["url"]
    assert await studio.stranger.run(_NODE, {"id": id_of(child)}) == {"node": None}
    assert await Shop(studio.parts.services).answer(_NODE, {"id": id_of(child)}) == (
        {"node": None},
        [("UNAUTHENTICATED", None)],
    )


async def test_editor_regenerates_in_variations_and_the_same_call_starts_nothing_twice(studio: Studio) -> None:
    image = await studio.image()
    asked = {"imageId": id_of(image), "prompt": "Add a boat", "variations": 3, "idempotencyKey": "k"}
    first = await _ask(studio.editor, _AGAIN, **asked)
    assert first["errors"] == []
    assert len({one["id"] for one in first["generations"]}) == 3
    await delete_forever([image])
    assert await _ask(studio.editor, _AGAIN, **asked) == first
    owners = await Generation.find_all().to_list()
    assert {(one.owner_id, one.project_id) for one in owners} == {(studio.project.owner_id, studio.project.identity)}


async def test_viewer_and_stranger_are_refused_and_so_is_a_kind(studio: Studio) -> None:
    image_id = id_of(await studio.image())
    for person in (studio.viewer, studio.stranger):
        assert (await _ask(person, _AGAIN, imageId=image_id, prompt="Brighter"))["errors"] == _FORBIDDEN_IMAGE
    refused = await _ask(studio.editor, _AGAIN, imageId=image_id, prompt="Brighter", kind="WHITE_BACKGROUND")
    assert refused["errors"] == [{"code": "BAD_USER_INPUT", "path": ["input", "kind"]}]
    refused = await _ask(studio.editor, _AGAIN, imageId=image_id, prompt="Brighter", variations=5)
    assert refused["errors"] == [{"code": "BAD_USER_INPUT", "path": ["input", "variations"]}]
    picture_id = global_id("Picture", PydanticObjectId())
    refused = await _ask(studio.editor, _AGAIN, imageId=picture_id, prompt="Brighter")
    assert refused["errors"] == [{"code": "BAD_USER_INPUT", "path": ["input", "imageId"]}]
    assert await Generation.count() == 0


async def test_template_of_a_member_is_used_and_stays_their_own(studio: Studio) -> None:
    create = """mutation { createTemplate(input: { name: "Light", text: "Make it {how}" }) { template { id } } }"""
    template = (await studio.editor.run(create))["createTemplate"]["template"]
    answer = await _ask(
        studio.editor,
        _AGAIN,
        imageId=id_of(await studio.image()),
        templateId=template["id"],
        variables=[{"name": "how", "value": "brighter"}],
    )
    assert answer["generation"]["recipe"]["template"] == {"template": template}
    child = await studio.made(await _started(answer))
    assert child.new_prompt == "Make it brighter"
    seen = (await studio.owner.run(_SHOWN, {"id": id_of(child)}))["node"]["generation"]["recipe"]["template"]
    assert seen == {"templateId": template["id"], "template": None}


async def test_estimate_takes_an_image_of_a_chat(studio: Studio) -> None:
    wanted = {"imageId": id_of(await studio.image()), "prompt": "Brighter", "variations": 2}
    estimate = (await studio.editor.run(_ESTIMATE, {"input": {"regenerateImage": wanted}}))["estimate"]
    assert (estimate["generations"], float(estimate["cost"]["amount"])) == (2, 0)
    refused = await studio.stranger.answer(_ESTIMATE, {"input": {"regenerateImage": wanted}})
    assert refused == ({"estimate": None}, [("FORBIDDEN", "input.imageId")])


async def test_viewer_of_a_project_makes_an_ornament_of_their_own_of_its_image(studio: Studio) -> None:
    image = await studio.image()
    answer = await _ask(studio.viewer, _USE, imageId=id_of(image), prompt="Make it shine", idempotencyKey="k")
    started = await _started(answer)
    assert (started.owner_id, started.project_id) == (studio.viewer.owner_id, None)
    assert await _ask(studio.viewer, _USE, imageId=id_of(image), prompt="Make it shine", idempotencyKey="k") == answer
    await studio.parts.runner.run(started.identity)
    ornament = await OrnamentImage.get(started.result_id)
    assert ornament
    assert (ornament.owner_id, ornament.background_color, ornament.lineage.depth) == (
        studio.viewer.owner_id,
        "white",
        0,
    )
    (source,) = ornament.sources
    photo, shown = await Picture.get(source.picture_id), await Picture.get(image.picture_id)
    assert photo
    assert shown
    assert (source.role, photo.owner_id, photo.sha256) == (Role.ORNAMENT, studio.viewer.owner_id, shown.sha256)
    assert photo.identity != shown.identity


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"kind": "CAMPAIGN_SHOT_ADVANCED"}, "kind"),
        ({"kind": "REAL_MODEL_WITH_ORNAMENT"}, "kind"),
        ({"kind": "MODEL_WITH_ORNAMENT", "backgroundColor": "red"}, "backgroundColor"),
        ({"backgroundColor": "no colour at all"}, "backgroundColor"),
    ],
)
async def test_ornament_of_an_image_is_one_that_needs_no_other_picture(
    studio: Studio, given: Mapping[str, str], path: str
) -> None:
    image_id = id_of(await studio.image())
    refused = await _ask(studio.owner, _USE, imageId=image_id, prompt="Shine", **given)
    assert refused["errors"] == [{"code": "BAD_USER_INPUT", "path": ["input", path]}]
    kinds = [{"kind": "MODEL_WITH_ORNAMENT"}, {"kind": "BACKGROUND_CHANGE", "backgroundColor": "red"}]
    for kind in kinds:
        await _started(await _ask(studio.owner, _USE, imageId=image_id, prompt="Shine", **kind))


async def test_image_that_one_does_not_see_or_that_is_in_the_trash_is_no_ornament(studio: Studio) -> None:
    image = await studio.image()
    assert (await _ask(studio.stranger, _USE, imageId=id_of(image)))["errors"] == _FORBIDDEN_IMAGE
    await ChatImage.into_trash([image.identity])
    trashed = await _ask(studio.owner, _USE, imageId=id_of(image))
    assert trashed["errors"] == [{"code": "CONFLICT", "path": ["input", "imageId"]}]
    ornament = global_id("OrnamentImage", image.identity)
    wrong = await _ask(studio.owner, _USE, imageId=ornament)
    assert wrong["errors"] == [{"code": "BAD_USER_INPUT", "path": ["input", "imageId"]}]
    assert await Generation.count() == 0


async def test_uploaded_picture_is_the_viewers_and_the_same_file_is_the_same_picture(studio: Studio) -> None:
    files = [{"upload": UploadFile(BytesIO(some_bytes(shade)))} for shade in (70, 70, 80)]
    kept = [(await _ask(studio.editor, _UPLOAD, picture=file))["picture"]["id"] for file in files]
    assert kept[0] == kept[1] != kept[2]
    assert {one.owner_id for one in await Picture.find_all().to_list()} == {studio.editor.owner_id}
    wrong = await _ask(studio.editor, _UPLOAD, picture={"upload": UploadFile(BytesIO(b"no picture"))})
    assert wrong == {"picture": None, "errors": [{"code": "BAD_USER_INPUT", "path": ["input", "picture"]}]}


async def test_picture_comes_in_by_the_id_of_an_image_that_shows_it(studio: Studio) -> None:
    image = await studio.image()
    editors = await _ask(studio.editor, _UPLOAD, picture={"id": id_of(image)})
    owners = await _ask(studio.owner, _UPLOAD, picture={"id": id_of(image)})
    own = await Picture.find({"ownerId": studio.editor.owner_id}).to_list()
    assert [editors["picture"]["id"]] == [id_of(one) for one in own]
    assert owners["picture"]["id"] == global_id("Picture", image.picture_id)
    ornament = image_of(studio.viewer.owner_id, picture_id=(await studio.kept(studio.viewer.owner_id, 30)).identity)
    await ornament.insert()
    by_ornament = {"id": global_id("OrnamentImage", ornament.identity)}
    viewers = await _ask(studio.viewer, _UPLOAD, picture=by_ornament)
    assert viewers["picture"]["id"] == global_id("Picture", ornament.picture_id)
    for given in ({"id": id_of(image)}, by_ornament):
        refused = await _ask(studio.stranger, _UPLOAD, picture=given)
        assert refused["errors"] == [{"code": "FORBIDDEN", "path": ["input", "picture"]}]
    missing = await _ask(studio.owner, _UPLOAD, picture={"id": global_id("ChatImage", PydanticObjectId())})
    assert missing["errors"] == [{"code": "NOT_FOUND", "path": ["input", "picture"]}]
    wrong = await _ask(studio.owner, _UPLOAD, picture={"id": global_id("Dream", PydanticObjectId())})
    assert wrong["errors"] == [{"code": "BAD_USER_INPUT", "path": ["input", "picture"]}]


async def test_only_the_owner_throws_images_away(studio: Studio) -> None:
    root = await studio.image()
    child = await studio.made(await studio.again(root))
    ids = [id_of(root), id_of(child)]
    refused = await _ask(studio.editor, _MOVE, ids=ids)
    assert refused["chatImages"] == []
    assert [(one["code"], one["path"][-1]) for one in refused["errors"]] == [("FORBIDDEN", "0"), ("FORBIDDEN", "1")]
    moved = await _ask(studio.owner, _MOVE, ids=ids)
    assert moved["errors"] == []
    assert [one["id"] for one in moved["chatImages"]] == ids
    assert all(one["trashedAt"] for one in moved["chatImages"])
    back = await _ask(studio.owner, _RESTORE, ids=ids[:1])
    assert back == {"chatImages": [{"id": ids[0], "trashedAt": None}], "errors": []}
    for _ in range(2):
        gone = await _ask(studio.owner, _DELETE, ids=ids[:1])
        assert gone == {"deletedIds": ids[:1], "errors": []}
    tree = """query ($id: ID!) { node(id: $id) { ... on ChatImage { parentId parent { id }
      tree { nodes { id trashedAt } deleted { imageId depth } } } } }"""
    shown = (await studio.viewer.run(tree, {"id": ids[1]}))["node"]
    assert (shown["parentId"], shown["parent"]) == (ids[0], None)
    assert shown["tree"]["deleted"] == [{"imageId": ids[0], "depth": 0}]
    assert [one["id"] for one in shown["tree"]["nodes"]] == ids[1:]


async def test_sweep_leaves_pictures_of_images_and_of_references(studio: Studio) -> None:
    image, lone = await studio.image(10), await studio.kept(studio.project.owner_id, 20)
    reference = await studio.kept(studio.project.owner_id, 30)
    now, identity = utc_now(), PydanticObjectId()
    exchange = Exchange(
        id=identity,
        owner_id=studio.project.owner_id,
        project_id=studio.project.identity,
        chat_id=studio.chat.identity,
        branch_id=studio.chat.identity,
        position=0,
        place=f"{studio.chat.identity}:0",
        question_id=PydanticObjectId(),
        parent_id=None,
        author_id=studio.owner.owner_id,
        idempotency_key=str(identity),
        asked="",
        prompt=PROMPT,
        references=(Reference(picture_id=reference.identity, sha256=reference.sha256),),
        status=AnswerStatus.READY,
        slots=(),
        created_at=now,
        changed_at=now,
    )
    await exchange.insert()
    await Picture.rows().update_many({}, {"$set": {"touchedAt": now.replace(year=now.year - 1)}})
    (sweep,) = [one.run for one in studio.parts.sweeper.chores if one.name == "pictures"]
    await sweep()
    left = {row["_id"] async for row in Picture.rows().find({}, {"_id": 1})}
    assert left == {image.picture_id, reference.identity}
    assert lone.identity not in left
