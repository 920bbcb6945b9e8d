"""Every query is served by a declared index: of every operation of the schema, and of whatever tests make the app ask.

`tests/conftest.py` holds each test's commands to the rule. The operations here are made from the schema, so that the
queries of a new field join by themselves.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from beanie import PydanticObjectId
from graphql import GraphQLObjectType
from pymongo import monitoring
from pymongo.asynchronous.database import AsyncDatabase
from starlette.datastructures import UploadFile

from app.access import Role
from app.accounts.model import User
from app.api.ids import global_id
from app.api.schema import schema
from app.archives.model import Archive, ArchiveState
from app.batches.model import Batch, BatchItem
from app.bootstrap.database import DOCUMENTS
from app.chats.model import ChatKind
from app.database.document import utc_now
from app.diagnostics.results import GENERATION_KIND as DIAGNOSTICS
from app.diagnostics.service import recipe_of
from app.diagnostics.suites import Suite
from app.dreams.model import Aside
from app.dreams.versions import DreamVersion
from app.generations.model import Generation, Status
from app.generations.recipe import Recipe, RecipePicture
from app.ornaments.model import OrnamentImage
from app.ornaments.service import GENERATION_KIND
from app.pictures.model import Picture
from app.projects.invitation import Invitation
from app.templates.model import Template
from tests.api.operations import CURSORS, SCHEMA, Samples, choices, nodes, selection
from tests.api.shop import Shop, opened_shop
from tests.chats.exchanges import stocked_chat
from tests.chats.stored import chat_of, exchange_of, referring_to
from tests.chats.stored import image_of as chat_image_of
from tests.database.index_exceptions import OFFLINE, RESIDUALS
from tests.database.index_rule import Watch, declared, documents, fault, queries
from tests.dreams.dreams import dream_of, illustration_of, interpretation_of
from tests.ornaments.images import image_of, picture_of
from tests.ornaments.sent import sent
from tests.projects.projects import member_of, project_of

_REFUSED = {
    "logIn": "nobody has the address",
    "refreshSession": "nobody has the token",
    "acceptInvitation": "the same",
}
"""Mutations that a made-up input does not get through, and why; the rest of their queries is of their own tests."""
_EXPECTED = {("BAD_USER_INPUT", "last"), ("BAD_USER_INPUT", "before"), ("SOURCE_IMAGE_MISSING", None)}
"""What some arguments come to: they contradict each other, or no bytes are there of the pictures in stock."""
_TOO_COMPLEX = [("QUERY_TOO_COMPLEX", None)]
_QUERY, _MUTATION, _SUBSCRIPTION = (
    cast("GraphQLObjectType", SCHEMA.type_map[name]) for name in ("Query", "Mutation", "Subscription")
)


@pytest.fixture
def watch() -> Watch:
    """Every query of the app from now on."""
    watch = Watch()
    monitoring.register(watch)
    return watch


@pytest.fixture
async def shop(
    watch: Watch, database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path
) -> AsyncIterator[Shop]:
    """A person's, whose queries are watched."""
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        person = await opened.joined()
        watch.clear()
        yield person


async def _stocked(shop: Shop) -> Samples:
    """One of everything that lists show, an image with children, generations of each status; and the ids of them.

    The person is an administrator from then on.
    """
    run = await _run_of_an_administrator(shop)
    owner_id, now, picture = shop.owner_id, utc_now(), picture_of(shop.owner_id)
    await picture.insert()
    made_of = RecipePicture(picture_id=picture.identity, sha256=picture.sha256)
    recipe = Recipe(task="CUT_OUT", prompts=("a", "b"), pictures=(made_of,), provider="local", model="local-1")
    by_status = {
        one: Generation.queued(owner_id, GENERATION_KIND, recipe, f"{PydanticObjectId()}", now) for one in Status
    }
    for status, generation in by_status.items():
        generation.status, generation.settled = status, status.ended
    await Generation.insert_many(list(by_status.values()))
    done = by_status[Status.SUCCEEDED]
    made: dict[str, Any] = {"picture_id": picture.identity, "generation_id": done.identity, "tags": ("shine",)}
    root = image_of(owner_id, **made)
    child = image_of(owner_id, "Add gold accents", root, **made)
    others = [image_of(owner_id, "Make it brighter", parent, **made) for parent in (child, root)]
    await OrnamentImage.insert_many([root, child, *others])
    template = Template(owner_id=owner_id, name="a", text="b", variables=(), revision=2, created_at=now, updated_at=now)
    await template.insert()
    image_id, template_id = global_id("OrnamentImage", child.identity), global_id("Template", template.identity)
    batch = Batch.held(
        "",
        utc_now(),
        owner_id=owner_id,
        kind=GENERATION_KIND,
        parameters={"wish": "Make it shine"},
        asked="",
        idempotency_key=f"{PydanticObjectId()}",
        items=[BatchItem(subject_id=child.identity, generation_id=one.identity) for one in by_status.values()],
    )
    batch.settled, batch.busy_until = True, batch.created_at
    await batch.put()
    batch_id = global_id("Batch", batch.identity)
    archive = Archive(
        owner_id=owner_id,
        generation_id=done.identity,
        file_name="lineage-1.zip",
        state=ArchiveState.READY,
        created_at=now,
        expires_at=now,
    )
    await archive.insert()
    dream = dream_of(owner_id, illustration=illustration_of(picture.identity), generation_id=done.identity)
    await dream.insert()
    aside = Aside(interpretation=interpretation_of(1), illustration=illustration_of(picture.identity))
    await DreamVersion.keep(dream, aside)
    dream_id, version_id = global_id("Dream", dream.identity), global_id("DreamVersion", aside.version_id)
    in_project = await _project_in_stock(owner_id, picture)
    queued, failed = (global_id("Generation", by_status[one].identity) for one in (Status.QUEUED, Status.FAILED))
    return Samples(
        {
            "User": global_id("User", owner_id),
            "Viewer": global_id("Viewer", owner_id),
            "Picture": global_id("Picture", picture.identity),
            "Generation": queued,
            "Batch": batch_id,
            "OrnamentImage": image_id,
            "Template": template_id,
            "Archive": global_id("Archive", archive.identity),
            "archive: Upload": UploadFile(BytesIO(sent())),
            "DiagnosticsRun": global_id("DiagnosticsRun", run.identity),
            "generationId": global_id("Generation", run.identity),
            "Dream": dream_id,
            "DreamVersion": version_id,
            "dreamId": dream_id,
            "versionId": version_id,
            "regenerateDreams.ids": dream_id,
            "imageId": image_id,
            "ids": image_id,
            "winnerId": image_id,
            "loserId": global_id("OrnamentImage", others[1].identity),
            "a": image_id,
            "b": global_id("OrnamentImage", root.identity),
            "id": queued,
            "retryGeneration.id": failed,
            "templateId": template_id,
            "updateTemplate.id": template_id,
            "deleteTemplate.id": template_id,
            "replayGeneration.generationId": global_id("Generation", done.identity),
            "retryBatch.id": batch_id,
            "cancelBatch.id": batch_id,
            "batchProgress.id": batch_id,
            **in_project,
            **await stocked_chat(picture, done.identity),
        }
    )


async def _project_in_stock(owner_id: PydanticObjectId, picture: Picture) -> dict[str, str]:
    """One with a member, and one of everything in it; the ids of those."""
    shown, member = (picture.identity,), member_of(PydanticObjectId())
    project = project_of(owner_id, member, context_picture_ids=shown)
    frame, context = (chat_of(project, kind, picture_ids=shown) for kind in (ChatKind.FRAME, ChatKind.CONTEXT))
    exchange = exchange_of(frame, references=(referring_to(picture.identity),))
    image = chat_image_of(exchange, picture_id=picture.identity)
    invitation, _ = Invitation.to(project, Role.VIEWER)
    for one in (project, frame, context, exchange, image, invitation):
        await one.insert()
    frame_id, context_id = global_id("Frame", frame.identity), global_id("Context", context.identity)
    project_id, invitation_id = global_id("Project", project.identity), global_id("Invitation", invitation.identity)
    return {
        "Project": project_id,
        "Frame": frame_id,
        "Context": context_id,
        "Chat": global_id("Chat", frame.identity),
        "Invitation": invitation_id,
        "projectId": project_id,
        "frameId": frame_id,
        "frameIds": frame_id,
        "contextId": context_id,
        "invitationId": invitation_id,
        "setFramePicture.imageId": global_id("ChatImage", image.identity),
        "userId": global_id("User", member.user_id),
    }


async def _run_of_an_administrator(shop: Shop) -> Generation:
    user = await User.get(shop.owner_id)
    assert user is not None
    assert await User.set_administrator(user.email_key, is_admin=True)
    key = f"{PydanticObjectId()}"
    run = Generation.queued(shop.owner_id, DIAGNOSTICS, recipe_of(Suite.PROVIDERS), key, utc_now())
    assert await Generation.start(run)
    return run


def _asked(field_name: str, field: Any, arguments: tuple[str, ...], *, deep: int) -> tuple[str, str]:
    """The declarations of variables, and the field with all that it shows."""
    declared = " ".join(f"${name}: {field.args[name].type}" for name in arguments)
    given = " ".join(f"{name}: ${name}" for name in arguments)
    text = f"{field_name}{f'({given})' if given else ''} {selection(field.type, deep)}"
    return f"({declared})" if declared else "", text


async def _cursor(shop: Shop, node_id: str, type_name: str, field_name: str, arguments: tuple[str, ...]) -> str:
    """A place in the list of a field, in the order that these arguments ask for."""
    order = "(orderBy: NEWEST)" if "orderBy" in arguments else ""
    text = f'{{ node(id: "{node_id}") {{ ... on {type_name} {{ {field_name}{order} {{ edges {{ cursor }} }} }} }} }}'
    edges = (await shop.run(text))["node"][field_name]["edges"]
    assert edges, f"nothing is in {type_name}.{field_name}: have _stocked store one"
    cursor: str = edges[0]["cursor"]
    return cursor


@pytest.mark.long
@pytest.mark.parametrize("kind", nodes(), ids=str)
async def test_every_field_is_served_by_indexes_whatever_its_arguments(
    kind: GraphQLObjectType, shop: Shop, watch: Watch
) -> None:
    samples = await _stocked(shop)
    for name, field in kind.fields.items():
        for number, arguments in enumerate(choices(field)):
            deeps = (1, 0, -1) if number == 0 else (-1,)  # what is in it asks the same, whatever the arguments
            await _read(shop, samples, kind, name, arguments, deeps)
    assert sorted(set(watch.faults)) == []
    assert watch.asked


async def _read(
    shop: Shop,
    samples: Samples,
    kind: GraphQLObjectType,
    name: str,
    arguments: tuple[str, ...],
    deeps: tuple[int, ...],
) -> None:
    """Ask an object for a field with these arguments, and for what is in it at the first depth that is allowed."""
    field, node_id = kind.fields[name], samples.ids[kind.name]
    variables = {one: samples.of(one, field.args[one]) for one in arguments if one not in CURSORS}
    for one in CURSORS.intersection(arguments):
        variables[one] = await _cursor(shop, node_id, kind.name, name, arguments)
    errors, data = list(_TOO_COMPLEX), dict[str, Any]()
    for deep in deeps:
        declared, text = _asked(name, field, arguments, deep=deep)
        query = f'query {declared} {{ node(id: "{node_id}") {{ ... on {kind.name} {{ {text} }} }} }}'
        if errors == _TOO_COMPLEX:
            data, errors = await shop.answer(query, variables)
    assert set(errors) <= _EXPECTED, (name, variables, errors)
    assert errors or data["node"] is not None, name


async def test_every_query_is_served_by_indexes(shop: Shop, watch: Watch) -> None:
    samples = await _stocked(shop)
    for name, field in _QUERY.fields.items():
        for arguments in choices(field):
            declared, text = _asked(name, field, arguments, deep=0)
            variables = {one: samples.of(one, field.args[one]) for one in arguments}
            await shop.run(f"query {declared} {{ {text} }}", variables)
    assert sorted(set(watch.faults)) == []
    assert watch.asked


@pytest.mark.long
async def test_every_mutation_is_served_by_indexes(shop: Shop, watch: Watch) -> None:
    for name, field in _MUTATION.fields.items():
        person = await shop.joined()
        samples = (await _stocked(person)).of_operation(name)
        declared, text = _asked(name, field, ("input",), deep=0)
        variables = {"input": samples.of("input", field.args["input"])}
        payload = (await person.run(f"mutation {declared} {{ {text} }}", variables))[name]
        assert name in _REFUSED or payload["errors"] == [], name
    assert sorted(set(watch.faults)) == []
    assert watch.asked


async def test_every_subscription_is_served_by_indexes(shop: Shop, watch: Watch) -> None:
    stocked = await _stocked(shop)
    for name, field in _SUBSCRIPTION.fields.items():
        samples = stocked.of_operation(name)
        for arguments in choices(field):
            declared, text = _asked(name, field, arguments, deep=0)
            variables = {one: samples.of(one, field.args[one]) for one in arguments if one not in CURSORS}
            query = f"subscription {declared} {{ {text} }}"
            results: Any = await schema.subscribe(query, variables | {"after": 0}, context_value=shop.context())
            async with aclosing(results):
                assert (await anext(results)).errors is None, query
    assert sorted(set(watch.faults)) == []
    assert watch.asked


def _asks(filter: dict[str, Any], *sort: tuple[str, int]) -> str | None:
    (query,) = queries("find", {"find": "ornament_images", "filter": filter, "sort": dict(sort)})
    return fault(query, declared())


def test_owner_time_and_kind_are_prefixes() -> None:
    assert _asks({"ownerId": 1}, ("_id", -1)) is None
    assert _asks({"ownerId": 1, "_id": {"$lt": 2}}, ("_id", 1)) is None
    assert _asks({"$and": [{"kind": "A"}, {"ownerId": 1}], "_id": {"$lt": 2, "$gt": 0}}, ("_id", -1)) is None


def test_query_without_an_owner_breaks_the_rule() -> None:
    assert _asks({"kind": "A"}, ("_id", -1)) is not None
    assert _asks({}) is not None
    assert _asks({"$or": [{"ownerId": 1}, {"kind": "A"}]}) is not None
    assert _asks({"ownerId": {"$ne": 1}}) is not None


def test_filter_without_a_reason_breaks_the_rule() -> None:
    assert _asks({"ownerId": 1, "trashedAt": None}) is None
    assert "['note']" in (_asks({"ownerId": 1, "note": None}) or "")
    assert "['note']" in (_asks({"ownerId": 1, "$and": [{"$or": [{"name": 1}, {"note": 1}]}]}) or "")


def test_order_that_no_index_has_breaks_the_rule() -> None:
    assert "order" in (_asks({"ownerId": 1}, ("createdAt", -1)) or "")
    assert "order" in (_asks({"ownerId": 1}, ("kind", 1), ("_id", -1)) or "")
    assert _asks({"ownerId": 1}, ("kind", -1), ("_id", -1)) is None
    assert _asks({"ownerId": 1}, ("kind", 1), ("_id", 1)) is None


def test_what_is_named_by_its_id_needs_no_reason() -> None:
    assert _asks({"_id": {"$in": [1, 2]}, "note": None}, ("createdAt", 1)) is None
    assert _asks({"_id": {"$gt": 1}, "note": None}) is not None


def test_writes_and_pipelines_are_held_to_the_rule() -> None:
    bad = {"kind": "A"}
    commands: list[tuple[str, dict[str, Any]]] = [
        ("update", {"update": "ornament_images", "updates": [{"q": {"_id": 1}}, {"q": bad}]}),
        ("delete", {"delete": "ornament_images", "deletes": [{"q": bad}]}),
        ("findAndModify", {"findAndModify": "ornament_images", "query": bad}),
        ("aggregate", {"aggregate": "ornament_images", "pipeline": [{"$match": bad}, {"$group": {}}]}),
        ("distinct", {"distinct": "ornament_images", "query": bad}),
    ]
    for name, command in commands:
        assert [one for one in queries(name, command) if fault(one, declared())], name


def test_command_that_nobody_has_thought_of_is_refused() -> None:
    with pytest.raises(ValueError, match="mapReduce"):
        list(queries("mapReduce", {"mapReduce": "ornament_images"}))
    with pytest.raises(ValueError, match="lookup"):
        list(queries("aggregate", {"aggregate": "a", "pipeline": [{"$match": {"_id": 1}}, {"$lookup": {}}]}))


async def test_query_of_the_app_is_heard_and_one_of_a_test_is_not(shop: Shop, watch: Watch) -> None:
    await OrnamentImage.rows().find_one({"note": "nobody has an index for this"})
    assert watch.asked == []
    await shop.run("{ viewer { user { id } } }")
    assert [one.collection for one in watch.asked] == ["users"]


def test_every_exception_is_of_something_that_is_there() -> None:
    root = Path(__file__).parent.parent.parent
    assert [file for file in OFFLINE if not (root / file).is_file()] == []
    firsts = {(name, index.keys[0][0]) for name, indexes in declared().items() for index in indexes}
    firsts |= {("*", first) for _, first in firsts}
    assert [one for one in RESIDUALS if one[:2] not in firsts] == []


def test_every_document_of_the_app_is_opened_with_its_indexes() -> None:
    ours = {one for one in documents() if one.__module__.startswith("app.") and "Settings" in vars(one)}
    assert ours == set(DOCUMENTS)
