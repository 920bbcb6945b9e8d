"""The gallery through the schema: filters, pages of both kinds, and labels."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo import monitoring
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.database.document import utc_now
from app.generations.model import Generation, Status
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.ornaments.versions import write_version
from tests.api.conftest import Commands
from tests.api.moments import BEYOND
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of, picture_of, stored_images

_PAGE = "nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
_BAD = "BAD_USER_INPUT"


@pytest.fixture
def sent() -> Commands:
    """What is sent to the database from now on."""
    commands = Commands()
    monitoring.register(commands)
    return commands


@pytest.fixture
async def nobody(
    sent: Commands, database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path
) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        sent.sent.clear()
        yield opened


@pytest.fixture
async def shop(nobody: Shop) -> Shop:
    return await nobody.joined()


def _id(image: OrnamentImage) -> str:
    return global_id("OrnamentImage", image.identity)


def _ids(images: list[OrnamentImage]) -> list[str]:
    return [_id(image) for image in images]


async def _gallery(shop: Shop, arguments: str = "", shown: str = _PAGE) -> Any:
    given = f"({arguments})" if arguments else ""
    return (await shop.run(f"{{ viewer {{ ornamentImages{given} {{ {shown} }} }} }}"))["viewer"]["ornamentImages"]


async def _found(shop: Shop, arguments: str) -> list[str]:
    return [node["id"] for node in (await _gallery(shop, arguments))["nodes"]]


async def _refusal(shop: Shop, arguments: str, field: str = "ornamentImages", shown: str = "nodes { id }") -> Any:
    data, errors = await shop.answer(f"{{ viewer {{ {field}({arguments}) {{ {shown} }} }} }}")
    assert not data["viewer"]
    return errors


async def test_pages_of_both_directions_show_each_image_once_and_in_order(shop: Shop) -> None:
    newest = _ids(await stored_images(shop.owner_id, 5))[::-1]
    for order, expected in (("NEWEST", newest), ("OLDEST", newest[::-1])):
        seen, more, after = list[str](), True, ""
        while more:
            page = await _gallery(shop, f"first: 2, orderBy: {order}{after}")
            assert page["pageInfo"]["hasPreviousPage"] is bool(seen)
            seen += [node["id"] for node in page["nodes"]]
            more, after = page["pageInfo"]["hasNextPage"], f', after: "{page["pageInfo"]["endCursor"]}"'
        assert seen == expected
        seen, more, before = list[str](), True, ""
        while more:
            page = await _gallery(shop, f"last: 2, orderBy: {order}{before}")
            assert page["pageInfo"]["hasNextPage"] is bool(seen)
            seen = [node["id"] for node in page["nodes"]] + seen
            more, before = page["pageInfo"]["hasPreviousPage"], f', before: "{page["pageInfo"]["startCursor"]}"'
        assert seen == expected


async def test_page_between_two_cursors_holds_neither_of_them(shop: Shop) -> None:
    newest = _ids(await stored_images(shop.owner_id, 5))[::-1]
    cursors = [edge["cursor"] for edge in (await _gallery(shop))["edges"]]
    between = f'after: "{cursors[0]}", before: "{cursors[4]}"'
    assert await _found(shop, between) == newest[1:4]
    assert await _found(shop, f"{between}, first: 2") == newest[1:3]
    page = await _gallery(shop, f"{between}, last: 2")
    assert [node["id"] for node in page["nodes"]] == newest[2:4]
    assert (page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]) == (True, True)
    assert await _found(shop, f'before: "{cursors[2]}"') == newest[:2]


async def test_page_stays_while_images_come_and_go(shop: Shop) -> None:
    old = await stored_images(shop.owner_id, 4)
    cursor = (await _gallery(shop, "first: 2"))["pageInfo"]["endCursor"]
    await stored_images(shop.owner_id, 3)
    await OrnamentImage.rows().delete_one({"_id": old[2].identity})  # the very one that the cursor stands at
    assert await _found(shop, f'first: 2, after: "{cursor}"') == _ids(old[:2])[::-1]


async def _asked_for(shop: Shop, parent: OrnamentImage) -> Generation:
    """A regeneration that waits."""
    return await shop.services.ornaments.regenerate(shop.owner_id, parent.identity, "Add gold", None)


async def _done(generation: Generation) -> str:
    """The id of what it made, which is there from now on."""
    made: dict[str, Any] = {"pictureId": PydanticObjectId(), "source": "MOCK", "applied": [], "note": None}
    generation.status, generation.steps = Status.SUCCEEDED, {"picture": made}
    image = await write_version(generation)
    assert image
    return _id(image)


async def test_image_that_ends_later_has_the_place_of_its_asking_before_cursors_too(shop: Shop) -> None:
    picture = picture_of(shop.owner_id)
    parent = image_of(shop.owner_id, picture_id=picture.identity)
    await picture.insert()
    await parent.insert()
    early, late = await _asked_for(shop, parent), await _asked_for(shop, parent)
    later = await _done(late)
    page = await _gallery(shop, "orderBy: OLDEST")
    assert [node["id"] for node in page["nodes"]] == [_id(parent), later]
    earlier = await _done(early)
    assert await _found(shop, "") == [later, earlier, _id(parent)]
    assert await _found(shop, f'orderBy: OLDEST, after: "{page["pageInfo"]["endCursor"]}"') == []
    assert page["edges"][1]["cursor"] == (await _gallery(shop, "orderBy: OLDEST"))["edges"][2]["cursor"]


async def test_cursor_of_another_list_order_or_person_is_refused(shop: Shop) -> None:
    parent = image_of(shop.owner_id)
    await OrnamentImage.insert_many([parent, image_of(shop.owner_id, parent=parent)])
    newest = (await _gallery(shop))["edges"][0]["cursor"]
    oldest = (await _gallery(shop, "orderBy: OLDEST"))["edges"][0]["cursor"]
    text = f'{{ node(id: "{_id(parent)}") {{ ... on OrnamentImage {{ children {{ edges {{ cursor }} }} }} }} }}'
    child = (await shop.run(text))["node"]["children"]["edges"][0]["cursor"]
    stranger = await shop.joined()
    for argument in ("after", "before"):
        for cursor in (oldest, child, newest[:-4], f"{newest}AAAA", "", "*"):
            assert await _refusal(shop, f'{argument}: "{cursor}"') == [(_BAD, argument)]
        assert await _refusal(stranger, f'{argument}: "{newest}"') == [(_BAD, argument)]
    assert await _refusal(shop, f'after: "{newest}"', "generations") == [(_BAD, "after")]


async def test_arguments_that_contradict_each_other_are_refused(shop: Shop) -> None:
    await stored_images(shop.owner_id, 2)
    first, second = [edge["cursor"] for edge in (await _gallery(shop))["edges"]]
    for arguments, argument in (
        ("first: 2, last: 2", "last"),
        (f'after: "{second}", before: "{first}"', "before"),
        (f'after: "{first}", before: "{first}"', "before"),
        ('createdAfter: "2026-01-02T00:00:00Z", createdBefore: "2026-01-01T00:00:00Z"', "createdBefore"),
    ):
        assert await _refusal(shop, arguments) == [(_BAD, argument)]


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ("first: 0", "first"),
        ("first: 101", "first"),
        ("last: 0", "last"),
        ("last: 101", "last"),
        ('createdAfter: "2026-01-01T00:00:00"', "createdAfter"),
        *((f'{name}: "{moment}"', name) for name in ("createdAfter", "createdBefore") for moment in BEYOND),
        ('tag: " "', "tag"),
        (f'search: "{"x" * 201}"', "search"),
        (f'search: "{"x " * 5}{" ".join("abcdefghijk")}"', "search"),
    ],
)
async def test_argument_out_of_range_is_refused_by_its_name(arguments: str, argument: str, shop: Shop) -> None:
    assert await _refusal(shop, arguments) == [(_BAD, argument)]


async def test_filters_find_what_they_say_and_nobody_elses(shop: Shop) -> None:
    now, owner = utc_now(), shop.owner_id
    plain = image_of(owner, created_at=now - timedelta(days=40))
    kind = image_of(owner, kind=OrnamentKind.BACKGROUND_CHANGE)
    favourite = image_of(owner, favourite=True)
    tagged = image_of(owner, tags=("ring", "gold"))
    child = image_of(owner, parent=plain)
    trashed = image_of(owner, trashed_at=now)
    await OrnamentImage.insert_many([plain, kind, favourite, tagged, child, trashed])
    await stored_images((await shop.joined()).owner_id, 2, favourite=True, tags=("ring",))
    for arguments, expected in (
        ("kind: BACKGROUND_CHANGE", [kind]),
        ("favourite: true", [favourite]),
        ("favourite: false", [child, tagged, kind, plain]),
        ('tag: " Ring "', [tagged]),
        ('tag: "rin"', []),
        ("trashed: true", [trashed]),
        ("rootsOnly: true", [tagged, favourite, kind, plain]),
        ("rootsOnly: true, kind: BACKGROUND_CHANGE, favourite: true", []),
    ):
        assert await _found(shop, arguments) == _ids(expected), arguments
        assert (await _gallery(shop, arguments, "totalCount"))["totalCount"] == len(expected), arguments


async def test_times_are_exact_to_the_millisecond_and_exclude_themselves(shop: Shop) -> None:
    now = utc_now()
    early, late = (
        image_of(shop.owner_id, created_at=now - timedelta(milliseconds=1)),
        image_of(shop.owner_id, created_at=now),
    )
    await OrnamentImage.insert_many([early, late])
    assert await _found(shop, f'createdAfter: "{early.created_at.isoformat()}"') == _ids([late])
    assert await _found(shop, f'createdBefore: "{late.created_at.isoformat()}"') == _ids([early])
    for far in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        assert len(await _found(shop, f'createdAfter: "{far}"') + await _found(shop, f'createdBefore: "{far}"')) == 2


async def test_search_finds_words_in_any_case_and_takes_them_as_they_are(shop: Shop) -> None:
    shine = image_of(shop.owner_id, "Make it SHINE, 100% (really)", name="Grandma's Ring")
    green = image_of(shop.owner_id, "Größer und grün.*")
    await OrnamentImage.insert_many([shine, green])
    for search, expected in (
        ("shine", [shine]),
        ("really make", [shine]),
        ("grandma shin", [shine]),
        ("SHINE GRÜN", []),
        ("GRÖSSER", []),
        ("GRÖßER", [green]),
        (".*", [green]),
        ("(real", [shine]),
        ("s.ine", []),
        ("100%", [shine]),
        ("^make|$", []),
        ("\\u0000", [green, shine]),
        ("  ", [green, shine]),
    ):
        assert await _found(shop, f'search: "{search}"') == _ids(expected), search


async def test_total_is_counted_only_when_it_is_asked_for(sent: Commands, shop: Shop) -> None:
    await stored_images(shop.owner_id, 3)
    sent.sent.clear()
    assert len(await _found(shop, "first: 1")) == 1
    assert sent.sent == ["find"]
    assert (await _gallery(shop, "first: 1", "totalCount nodes { id }"))["totalCount"] == 3
    assert sent.sent[1:] == ["find", "aggregate"]


_NUMBERED = "images { id } pagination { page limit total pages }"


async def _numbered(shop: Shop, arguments: str = "") -> Any:
    data = await shop.run(f"{{ viewer {{ ornamentImagesPage{arguments} {{ {_NUMBERED} }} }} }}")
    return data["viewer"]["ornamentImagesPage"]


async def test_numbered_page_is_as_older_clients_expect_it(shop: Shop) -> None:
    empty = await _numbered(shop)
    assert empty == {"images": [], "pagination": {"page": 1, "limit": 20, "total": 0, "pages": 0}}
    newest = _ids(await stored_images(shop.owner_id, 5))[::-1]
    other = image_of(shop.owner_id, kind=OrnamentKind.BACKGROUND_CHANGE)
    await OrnamentImage.insert_many([other, image_of(shop.owner_id, trashed_at=utc_now())])
    last = await _numbered(shop, "(page: 3, limit: 2, kind: WHITE_BACKGROUND)")
    assert [image["id"] for image in last["images"]] == newest[4:]
    assert last["pagination"] == {"page": 3, "limit": 2, "total": 5, "pages": 3}
    beyond = await _numbered(shop, "(page: 2147483647, limit: 100)")
    assert (beyond["images"], beyond["pagination"]["total"]) == ([], 6)


async def test_number_or_limit_out_of_range_is_refused_by_its_name(shop: Shop) -> None:
    for arguments, argument in (("page: 0", "page"), ("limit: 0", "limit"), ("limit: 101", "limit")):
        assert await _refusal(shop, arguments, "ornamentImagesPage", _NUMBERED) == [(_BAD, argument)]


async def test_long_lists_in_lists_count_by_whatever_argument_asks_for_them(shop: Shop) -> None:
    nested = "{ children(first: 100) { nodes { id kind prompt } } }"
    for field, inside in (
        ("ornamentImages(first: 100)", "nodes"),
        ("ornamentImages(last: 100)", "nodes"),
        ("ornamentImagesPage(limit: 100)", "images"),
    ):
        _, errors = await shop.answer(f"{{ viewer {{ {field} {{ {inside} {nested} }} }} }}")
        assert errors == [("QUERY_TOO_COMPLEX", None)], field


async def _labelled(shop: Shop, mutation: str, image_id: str, **labels: Any) -> Any:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    text = (
        f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ "
        "image { id name favourite tags } errors { code path } } }"
    )
    return (await shop.run(text, {"input": {"imageId": image_id, **labels}}))[mutation]


async def test_labels_are_set_and_set_again_without_a_change(shop: Shop) -> None:
    (image,) = await stored_images(shop.owner_id, 1)
    assert (await shop.run(f'{{ node(id: "{_id(image)}") {{ ... on OrnamentImage {{ name favourite tags }} }} }}')) == {
        "node": {"name": None, "favourite": False, "tags": []}
    }
    steps: list[tuple[str, dict[str, Any], str, Any]] = [
        ("favouriteImage", {}, "favourite", True),
        ("favouriteImage", {"favourite": True}, "favourite", True),
        ("favouriteImage", {"favourite": False}, "favourite", False),
        ("renameImage", {"name": "  The\u0000  ring "}, "name", "The ring"),
        ("renameImage", {"name": ""}, "name", None),
        ("tagImage", {"tags": [" Gold ", "RING", "gold"]}, "tags", ["gold", "ring"]),
        ("tagImage", {"tags": []}, "tags", []),
    ]
    for mutation, labels, field, expected in steps:
        for _ in range(2):
            payload = await _labelled(shop, mutation, _id(image), **labels)
            assert payload["errors"] == []
            assert payload["image"][field] == expected


async def test_labels_find_the_image(shop: Shop) -> None:
    image, _ = await stored_images(shop.owner_id, 2)
    await _labelled(shop, "renameImage", _id(image), name="Anna's pearl")
    await _labelled(shop, "tagImage", _id(image), tags=["Pearls"])
    await _labelled(shop, "favouriteImage", _id(image))
    for arguments in ('search: "PEARL anna"', 'tag: "pearls"', "favourite: true"):
        assert await _found(shop, arguments) == [_id(image)]


async def test_label_that_is_too_long_or_of_too_many_is_refused_with_its_path(shop: Shop) -> None:
    (image,) = await stored_images(shop.owner_id, 1)
    many = [f"tag {number}" for number in range(21)]
    for mutation, labels, path in (
        ("renameImage", {"name": "x" * 101}, ["input", "name"]),
        ("tagImage", {"tags": ["ring", "x" * 51]}, ["input", "tags", "1"]),
        ("tagImage", {"tags": ["ring", " "]}, ["input", "tags", "1"]),
        ("tagImage", {"tags": many}, ["input", "tags"]),
    ):
        payload = await _labelled(shop, mutation, _id(image), **labels)
        assert payload == {"image": None, "errors": [{"code": _BAD, "path": path}]}
    assert (await _labelled(shop, "tagImage", _id(image), tags=many[1:]))["errors"] == []


async def test_only_ones_own_image_is_labelled(shop: Shop) -> None:
    (image,) = await stored_images((await shop.joined()).owner_id, 1)
    missing = image_of(shop.owner_id)
    for mutation, labels in (
        ("favouriteImage", {}),
        ("renameImage", {"name": "mine"}),
        ("tagImage", {"tags": ["mine"]}),
    ):
        for image_id, code in ((_id(image), "FORBIDDEN"), (_id(missing), "NOT_FOUND")):
            payload = await _labelled(shop, mutation, image_id, **labels)
            assert payload == {"image": None, "errors": [{"code": code, "path": ["input", "imageId"]}]}
    assert await OrnamentImage.get(image.identity) == image


async def test_page_of_the_readme_takes_a_command_a_level_however_many_images_are_in_it(
    sent: Commands, shop: Shop
) -> None:
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    query = readme[readme.index("query MyImages") :].split("```")[0]
    commands = list[list[str]]()
    for count in (1, 3):
        for image in await stored_images(shop.owner_id, count):
            for _ in range(2):
                await image_of(shop.owner_id, parent=image).insert()
        sent.sent.clear()
        shown = (await shop.run(query))["viewer"]["ornamentImages"]["nodes"]
        assert sum(len(one["children"]["nodes"]) for one in shown) > 1
        commands.append(sent.sent.copy())
    page_and_below = ["aggregate", "find", "find"]  # the children, the page, the pictures
    assert sorted(commands[0]) == page_and_below  # the parents are on the page
    assert sorted(commands[1]) == [*page_and_below, "find"]
    assert len(commands[1]) <= 6  # who asks, the page, their pictures, parents and children
