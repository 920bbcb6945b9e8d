"""The index rule: what is asked of the database is served by a declared index, and the rest of a filter has a reason.

`Watch` hears every command that the driver sends. A command is of the app when the innermost of our functions that
sent it is in `app/`: so every test that makes the app ask the database holds its queries to the rule.
"""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, override

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.database.document import StoredDocument
from tests.database.index_exceptions import OFFLINE, RESIDUALS, WHOLE

_ROOT = Path(__file__).parent.parent.parent
_FOLDERS = ("app", "tests", "bench")
_EQUAL, _RANGE = frozenset({"$eq", "$in"}), frozenset({"$gt", "$gte", "$lt", "$lte"})
_UNASKING = frozenset(
    {
        *("hello", "ismaster", "ping", "buildInfo", "hostInfo", "serverStatus", "currentOp", "configureFailPoint"),
        *("saslStart", "saslContinue", "endSessions", "killCursors", "getMore", "insert", "explain"),
        *("abortTransaction", "commitTransaction", "create", "drop", "dropDatabase", "renameCollection", "collMod"),
        *("createIndexes", "listIndexes", "dropIndexes", "listCollections", "listDatabases", "collStats", "dbStats"),
    }
)
"""Commands without a filter."""

type Keys = Sequence[tuple[str, int]]
type Fields = Mapping[str, Any]


class Kind(Enum):
    """What a condition asks of a field; only the first two can bound an index."""

    EQUAL = auto()
    RANGE = auto()
    OTHER = auto()


class Condition(NamedTuple):
    """A condition on one field, with its dots."""

    path: str
    kind: Kind


class Query(NamedTuple):
    """What a command looks for in a collection, and in which order."""

    collection: str
    conditions: tuple[Condition, ...]
    sort: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Index:
    """A declared index; a partial one is of use only to those who ask for what it holds."""

    keys: Keys
    unique: bool = False
    partial: frozenset[str] = frozenset()


class Use(NamedTuple):
    """How an index serves a query: by which fields, whether in order, and whether it names the documents."""

    first: str
    fields: frozenset[str]
    in_order: bool
    named: bool


def declared() -> dict[str, list[Index]]:
    """The indexes of the collections of all documents that are known by now, those of tests as well."""
    return {name: indexes for kind in documents() for name, indexes in _of_document(kind)}


def documents(kind: type[StoredDocument] = StoredDocument) -> Iterator[type[StoredDocument]]:
    """All types of documents that are known by now, and what they have in common."""
    for below in kind.__subclasses__():
        yield below
        yield from documents(below)


def _of_document(kind: type[StoredDocument]) -> Iterator[tuple[str, list[Index]]]:
    settings: Any = vars(kind).get("Settings")
    if settings is None:  # it is what documents have in common, and none itself
        return
    indexes = [Index([("_id", 1)], unique=True)]
    for model in getattr(settings, "indexes", ()):
        keys, partial = list(model.document["key"].items()), model.document.get("partialFilterExpression", {})
        indexes.append(Index(keys, bool(model.document.get("unique")), frozenset(partial)))
    yield getattr(settings, "name", kind.__name__), indexes


def queries(name: str, command: Fields) -> Iterator[Query]:
    """What a command looks for; nothing for one that has no filter.

    Raises:
        ValueError: nobody has thought of such a command yet.
    """
    if name in _UNASKING:
        return
    for where, sort in _asked(name, command):
        yield Query(command[name], tuple(_conditions(where)), tuple(sort.items()))


def _asked(name: str, command: Fields) -> Iterator[tuple[Fields, Fields]]:
    match name:
        case "find":
            yield command.get("filter", {}), command.get("sort", {})
        case "findAndModify" | "findandmodify":
            yield command.get("query", {}), command.get("sort") or {}
        case "update" | "delete":
            yield from ((one["q"], {}) for one in command[f"{name}s"])
        case "count" | "distinct":
            yield command.get("query", {}), {}
        case "aggregate":
            yield _head(command["pipeline"])
        case _:
            raise ValueError(f"the index rule does not know the command {name}")


def _head(pipeline: Sequence[Fields]) -> tuple[Fields, Fields]:
    """The filter and the order of the first stages."""
    where, sort = list[Fields](), dict[str, int]()
    for stage in pipeline:
        ((operator, value),) = stage.items()
        if operator == "$match" and not sort:
            where.append(value)
        elif operator == "$sort" and not sort:
            sort = value
        else:
            break
    for stage in pipeline:
        if foreign := {"$lookup", "$graphLookup", "$unionWith"} & set(stage):
            raise ValueError(f"the index rule does not know the stage {foreign}")
    return {"$and": where}, sort


def _conditions(where: Fields, prefix: str = "") -> Iterator[Condition]:
    for path, value in where.items():
        if path == "$and":
            for one in value:
                yield from _conditions(one, prefix)
        elif path in {"$or", "$nor"}:
            yield from (Condition(found.path, Kind.OTHER) for one in value for found in _conditions(one, prefix))
        elif path.startswith("$"):
            yield Condition(path, Kind.OTHER)
        else:
            yield from _of_field(prefix + path, value)


def _of_field(path: str, value: object) -> Iterator[Condition]:
    if not (isinstance(value, Mapping) and value and all(str(one).startswith("$") for one in value)):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - keys are texts
        yield Condition(path, Kind.EQUAL)
        return
    operators: Fields = value  # pyright: ignore[reportUnknownVariableType] - keys are texts
    if "$elemMatch" in operators:
        yield from _conditions(operators["$elemMatch"], f"{path}.")
        return
    for operator in operators:
        kind = Kind.EQUAL if operator in _EQUAL else Kind.RANGE if operator in _RANGE else Kind.OTHER
        yield Condition(path, kind)


def use(query: Query, index: Index) -> Use | None:
    """How an index serves a query; null when it does not: equal fields first, then the order, then a range."""
    equal = {one.path for one in query.conditions if one.kind is Kind.EQUAL}
    bounded = equal | {one.path for one in query.conditions if one.kind is Kind.RANGE}
    if not index.partial <= {one.path for one in query.conditions}:
        return None
    start = next((place for place, (key, _) in enumerate(index.keys) if key not in equal), len(index.keys))
    used, rest = {key for key, _ in index.keys[:start]}, index.keys[start:]
    named = not rest and index.unique
    sort = [one for one in query.sort if one[0] not in used]
    in_order = named or _follows(sort, rest)
    used |= {key for key, _ in rest[: max(1, len(sort)) if in_order else 1] if key in bounded}
    first = index.keys[0][0]
    return Use(first, frozenset(used | index.partial), in_order, named) if first in used else None


def _follows(sort: Keys, keys: Keys) -> bool:
    """Whether the keys are in that order, or all of it the other way round."""
    directions = {way * direction for (_, way), (_, direction) in zip(sort, keys, strict=False)}
    return [key for key, _ in sort] == [key for key, _ in keys[: len(sort)]] and len(directions) <= 1


def fault(query: Query, indexes: Mapping[str, Sequence[Index]]) -> str | None:
    """What is wrong with a query; null when it keeps the rule."""
    name = query.collection
    if name in WHOLE:
        return None
    if name not in indexes:
        return f"{name} is the collection of no document"
    uses = [found for index in indexes[name] if (found := use(query, index))]
    if not uses:
        return f"no index of {name} begins with any of {sorted({one.path for one in query.conditions})}"
    faults = [_fault_of(query, one) for one in sorted(uses, key=lambda one: (one.in_order, len(one.fields)))]
    return None if None in faults else faults[-1]


def _fault_of(query: Query, by: Use) -> str | None:
    name, fields = query.collection, sorted(by.fields)
    paths = {one.path for one in query.conditions} - by.fields
    if by.named:
        return None
    reasoned = {path for collection, first, path in RESIDUALS if collection in {name, "*"} and first == by.first}
    if left := sorted(paths - reasoned):
        return f"no index of {name} has {left} besides {fields}, and no reason is given for it"
    return None if by.in_order else f"no index of {name} by {fields} is in the order of {list(query.sort)}"


@dataclass(frozen=True, slots=True)
class Watch(CommandListener):
    """Holds every query of the app to the rule; `faults` are those that don't keep it, with who asked.

    `asked` are all queries of the app since it was last cleared.
    """

    indexes: dict[str, list[Index]] = field(default_factory=declared)
    faults: list[str] = field(default_factory=list[str])
    asked: list[Query] = field(default_factory=list[Query])

    def clear(self) -> None:
        """Forget what was heard."""
        self.faults.clear()
        self.asked.clear()

    @override
    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in _UNASKING:
            return
        file, function = _sender()
        if not file.startswith("app/") or file in OFFLINE:
            return
        try:
            for query in queries(event.command_name, event.command):
                self.asked.append(query)
                if query.collection not in self.indexes:
                    self.indexes.update(declared())
                if found := fault(query, self.indexes):
                    self.faults.append(f"{file}, {function}: {found}")
        except ValueError as error:
            self.faults.append(f"{file}, {function}: {error}")

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    @override
    def failed(self, event: CommandFailedEvent) -> None: ...


def _sender() -> tuple[str, str]:
    """The file and the name of the innermost of our functions: who awaits is on the stack of what it awaits."""
    for frame, _ in traceback.walk_stack(None):
        if file := _ours(frame.f_code.co_filename):
            return file, frame.f_code.co_qualname
    return "", ""


@cache
def _ours(file_name: str) -> str:
    """The place of one of our files below the root; empty for others, and for this one. Every frame asks."""
    path = Path(file_name)
    if not path.is_relative_to(_ROOT) or path == Path(__file__):
        return ""
    file = path.relative_to(_ROOT).as_posix()
    return file if file.partition("/")[0] in _FOLDERS else ""
