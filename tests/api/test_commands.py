"""What each operation of the README asks of the database: a command more is a decision, to be seen in a review.

A level of a query takes one command of each kind of thing that is asked for, however many there are of it.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, override

import pytest
from graphql import OperationDefinitionNode, parse
from pymongo import monitoring
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandStartedEvent

from app.api.ids import global_id, parse_global_id
from app.ornaments.model import OrnamentImage
from tests.api.conftest import Commands
from tests.api.shop import PASSWORD, Shop, opened_shop
from tests.ornaments.images import image_of, picture_of

_README: Final = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")


def _operations() -> dict[str, str]:
    """Those of the README by name, subscriptions left out: they go on."""
    found = dict[str, str]()
    for text in re.findall(r"```graphql\n(.*?)```", _README, re.DOTALL):
        for one in parse(text).definitions:
            if isinstance(one, OperationDefinitionNode) and one.name and one.operation.value != "subscription":
                found[one.name.value] = text
    return found


_OPERATIONS: Final = _operations()
_START: Final = ["findAndModify lanes", "insert generations"]
_EXPECTED: Final[Mapping[str, list[str]]] = {
    "SignUp": ["insert users", "insert sessions"],
    "UploadOrnament": [
        "findAndModify pictures",  # it is touched, so that no sweep takes it
        *_START,
        "find generations",  # queuePosition
    ],
    "RegenerateImage": ["find ornament_images", "find pictures", *_START],
    "MyImages": ["find ornament_images", "find pictures", "aggregate ornament_images"],
    "RecordDream": [
        "find dreams",  # of the idempotency key
        "insert dreams",
        "find generations",  # of the idempotency key
        *_START,
        "findAndModify dreams",  # the work has started
        "find dreams",  # as it is now
    ],
    "CreateProject": ["insert projects", "find chats", "insert chats", "find chats"],
    "CreateFrame": ["find projects", "aggregate chats", "insert chats", "update projects"],
    "SendMessage": [
        "find chats",
        "find projects",  # who asks may send, and its context
        "find chats",
        "find exchanges",  # the end of the branch
        "insert exchanges",
        "find tombstones",  # nothing was deleted meanwhile
        "update exchanges",  # the branch was used
        "update chats",
        "find generations",  # of the idempotency key
        *_START,
        "findAndModify exchanges",  # the work has started
        "find exchanges",  # as it is now
        "find generations",
    ],
    "RegenerateMessage": [
        "find exchanges",
        "find chats",
        "find projects",
        "insert exchanges",
        "find tombstones",
        "update exchanges",
        "update chats",
        "find generations",
        *_START,
        "findAndModify exchanges",
        "find exchanges",
        "find generations",
        "find exchanges",  # which answers there are: branchIndex, branchCount, branches
        "find exchanges",  # the branches themselves
    ],
}
"""By the operation; what reads at one level of a query is of one kind each."""


class _Sent(Commands):
    """With the collections."""

    @override
    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append(f"{event.command_name} {event.command.get(event.command_name)}")

    def take(self) -> list[str]:
        taken = [one for one in self.sent if not one.startswith(("hello", "ping", "endSessions"))]
        self.sent.clear()
        return taken


@pytest.fixture
def sent() -> _Sent:
    """What is sent to the database from now on."""
    commands = _Sent()
    monitoring.register(commands)
    return commands


@pytest.fixture
async def nobody(
    sent: _Sent, database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path
) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        sent.take()
        yield opened


@dataclass(frozen=True, slots=True)
class _Reader:
    """Somebody who follows the README."""

    shop: Shop
    sent: _Sent

    async def follow(self, operation: str, **input: Any) -> Any:
        """Run the operation of that name, which asks what is expected of the database."""
        self.sent.take()
        answer = await self.shop.run(_OPERATIONS[operation], {"input": input} if input else None)
        assert self.sent.take() == _EXPECTED[operation], operation
        return next(iter(answer.values()))


def test_every_operation_of_the_readme_is_counted() -> None:
    assert _OPERATIONS.keys() == _EXPECTED.keys()


async def test_account_of_the_readme_takes_two_commands(sent: _Sent, nobody: Shop) -> None:
    await _Reader(nobody, sent).follow("SignUp", email="ada@example.org", password=PASSWORD, name="Ada")


async def test_images_of_the_readme_take_a_command_a_level(sent: _Sent, nobody: Shop) -> None:
    reader = _Reader(await nobody.joined(), sent)
    picture = picture_of(reader.shop.owner_id)
    await picture.insert()
    root = image_of(reader.shop.owner_id, picture_id=picture.identity)
    await OrnamentImage.insert_many([root, *(image_of(root.owner_id, parent=root) for _ in range(5))])
    image_id = global_id("OrnamentImage", root.identity)
    await reader.follow("UploadOrnament", image={"id": global_id("Picture", picture.identity)}, prompt="Make it shine")
    await reader.follow("RegenerateImage", imageId=image_id, prompt="Add gold accents")
    await reader.follow("RegenerateImage", imageId=image_id, prompt="Add gold accents", idempotencyKey="key")
    shown = (await reader.follow("MyImages"))["ornamentImages"]["nodes"]
    assert [one["parent"] for one in shown] == [*[{"id": image_id}] * 5, None]


async def test_dream_of_the_readme_is_written_down_before_its_work_begins(sent: _Sent, nobody: Shop) -> None:
    dream = (await _Reader(await nobody.joined(), sent).follow("RecordDream", text="I flew over a sea of glass"))[
        "dream"
    ]
    assert dream["status"] == "PROCESSING"


async def test_chat_of_the_readme_asks_for_each_thing_once(sent: _Sent, nobody: Shop) -> None:
    reader = _Reader(await nobody.joined(), sent)
    project = (await reader.follow("CreateProject", name="The lighthouse"))["project"]
    frame = (await reader.follow("CreateFrame", projectId=project["id"], title="Dusk"))["frame"]
    said = await reader.follow("SendMessage", chatId=frame["chat"]["id"], prompt="A lighthouse", imageCount=2)
    _, generation_id = parse_global_id(said["generation"]["id"])
    await reader.shop.services.generations.cancel(reader.shop.owner_id, generation_id)
    await reader.follow("RegenerateMessage", messageId=said["assistantMessage"]["id"], wish="At night")
