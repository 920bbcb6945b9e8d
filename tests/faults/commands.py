"""Commands as they go over the wire to MongoDB (OP_MSG), and ready-made questions about them.

https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
"""

import asyncio
import struct
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

import bson

_HEADER = struct.Struct("<iiii")
_OP_MSG = 2013
_OP_COMPRESSED = 2012
_CHECKSUM, _MORE_TO_COME = 1, 2
_CHECKSUM_BYTES = 4

type Update = dict[str, Any] | list[dict[str, Any]]
"""An update as the writer gave it: a document, or a pipeline."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a client asks for; `collection` is empty for a command that names none."""

    name: str
    collection: str
    document: dict[str, Any]


type Predicate = Callable[[Command], bool]


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message; `command` is null for a handshake of the old kind, and means nothing in a reply."""

    raw: bytes
    request_id: int
    response_to: int
    operation: int

    @property
    def answered(self) -> bool:
        """Whether a reply to it is expected."""
        return self.operation != _OP_MSG or not self._flags & _MORE_TO_COME

    @property
    def command(self) -> Command | None:
        if self.operation == _OP_COMPRESSED:
            raise ValueError("the gate can't read compressed messages")
        return _command(self.raw, self._flags) if self.operation == _OP_MSG else None

    @property
    def _flags(self) -> int:
        return int.from_bytes(self.raw[_HEADER.size : _HEADER.size + 4], "little")


async def read_message(reader: asyncio.StreamReader) -> Message:
    """The next message, however many reads it comes in.

    Raises:
        EOFError: the other end has closed.
    """
    head = await reader.readexactly(_HEADER.size)
    length, request_id, response_to, operation = _HEADER.unpack(head)
    return Message(head + await reader.readexactly(length - _HEADER.size), request_id, response_to, operation)


def _command(raw: bytes, flags: int) -> Command:
    document: dict[str, Any] = {}
    sequences: dict[str, list[dict[str, Any]]] = {}
    at, end = _HEADER.size + 4, len(raw) - (_CHECKSUM_BYTES if flags & _CHECKSUM else 0)
    while at < end:
        is_sequence, at = raw[at] == 1, at + 1
        size = int.from_bytes(raw[at : at + 4], "little")
        if is_sequence:
            field, _, documents = raw[at + 4 : at + size].partition(b"\0")
            sequences[field.decode()] = bson.decode_all(documents)  # pyright: ignore[reportUnknownMemberType] - `array` has no parameter there
        else:
            document = bson.decode(raw[at : at + size])  # pyright: ignore[reportUnknownMemberType] - the same
        at += size
    name, value = next(iter(document.items()))
    collection = value if isinstance(value, str) else document.get("collection", "")
    return Command(name, collection, {**document, **sequences})


def named(name: str, collection: str) -> Predicate:
    """Any command of that name on that collection: `named("find", "generations")`."""
    return lambda command: (command.name, command.collection) == (name, collection)


def nth(number: int, collections: Container[str] | None = None) -> Predicate:
    """The command of that number from now on, of those on `collections`; null: of all that there are."""
    passed = 0

    def asked(command: Command) -> bool:
        nonlocal passed
        passed += collections is None or command.collection in collections
        return passed == number

    return asked


def any_update(_: Update) -> bool:
    return True


def updates(collection: str, matches: Callable[[Update], bool] = any_update) -> Predicate:
    """An `update` (update_one, update_many, replace_one) one of whose updates matches."""

    def asked(command: Command) -> bool:
        return named("update", collection)(command) and any(matches(one["u"]) for one in command.document["updates"])

    return asked


def finds_and_modifies(collection: str, matches: Callable[[Update], bool] = any_update) -> Predicate:
    """A `findAndModify` (find_one_and_update) whose update matches."""

    def asked(command: Command) -> bool:
        return named("findAndModify", collection)(command) and matches(command.document.get("update", {}))

    return asked


def changes(collection: str, matches: Callable[[Update], bool] = any_update) -> Predicate:
    """An update of either kind."""
    updated, modified = updates(collection, matches), finds_and_modifies(collection, matches)
    return lambda command: updated(command) or modified(command)


def inserts(collection: str, matches: Callable[[dict[str, Any]], bool] = lambda _: True) -> Predicate:
    """An `insert` of a document that matches, or an upsert that would make one."""

    def asked(command: Command) -> bool:
        if named("insert", collection)(command):
            return any(matches(one) for one in command.document["documents"])
        return command.collection == collection and any(matches(_made_by(one)) for one in _upserts(command.document))

    return asked


def _upserts(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The updates of a command that would make what they don't find; pipelines are left out."""
    updates: list[dict[str, Any]] = [*document.get("updates", ()), {**document, "u": document.get("update")}]
    for one in updates:
        if one.get("upsert") and not isinstance(one["u"], list):
            yield one["u"]


def _made_by(upsert: dict[str, Any]) -> dict[str, Any]:
    """What it would write, as far as it says so."""
    return {**upsert.get("$set", {}), **upsert.get("$setOnInsert", {})}


def sets(field: str, value: object) -> Callable[[Update], bool]:
    """An update, document or pipeline, that sets `field` to `value`, or to an expression in which it stands."""

    def matches(update: Update) -> bool:
        stages = update if isinstance(update, list) else [update]
        return any(
            value in _leaves(changed[field])
            for stage in stages
            for operator in ("$set", "$addFields")
            if field in (changed := stage.get(operator, {}))
        )

    return matches


def pushes_event(type: str) -> Callable[[Update], bool]:
    """An update, document or pipeline, that adds an event of that type."""

    def matches(update: Update) -> bool:
        stages = update if isinstance(update, list) else [update]
        return any(
            type in _leaves(stage[operator]["events"])
            for stage in stages
            for operator in ("$push", "$set", "$addFields")
            if "events" in stage.get(operator, {})
        )

    return matches


def ends_generation(status: str) -> Predicate:
    """The write that gives a generation that status: `ends_generation("SUCCEEDED")`."""
    return changes("generations", sets("status", status))


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for one in value.values():  # pyright: ignore[reportUnknownVariableType] - any document
            yield from _leaves(one)  # pyright: ignore[reportUnknownArgumentType] - the same
    elif isinstance(value, list):
        for one in value:  # pyright: ignore[reportUnknownVariableType] - the same
            yield from _leaves(one)  # pyright: ignore[reportUnknownArgumentType] - the same
    else:
        yield value
