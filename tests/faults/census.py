"""What the database and the folder of pictures hold after all, counted past the application."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

_ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_DELETING = "DELETING"
_AT_WORK = frozenset({"STAGE", "PREVIEW", "RETRYING", "STARTED"}) | _ENDED
_NEXT: Mapping[str, frozenset[str]] = {
    "": frozenset({"QUEUED"}),
    "QUEUED": frozenset({"STARTED", "FAILED", "CANCELLED"}),
    "STARTED": _AT_WORK,
    "STAGE": _AT_WORK,
    "PREVIEW": _AT_WORK,
    "RETRYING": frozenset({"STARTED", "FAILED", "CANCELLED"}),
} | {ended: frozenset[str]() for ended in _ENDED}
"""Which event may follow which: work is shown only by who has begun it, and nothing comes after the end.

STARTED may follow anything at work: another worker took over. Other events may stand anywhere before the end.
"""
_NEVER_STORED = "SNAPSHOT"

type Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CountedAttempt:
    """One try; `outcome` is null while it runs."""

    number: int
    worker: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class CountedCall:
    """One entry of the ledger: a call to a provider."""

    number: int
    attempt: int
    provider: str
    outcome: str | None
    maybe_billed: bool


@dataclass(frozen=True, slots=True)
class CountedGeneration:
    """A generation and all that hangs on it; `events` are number and type in their order, `results` ids of images.

    `trimmed`: only the last of its events is kept.
    """

    id: str
    owner_id: str
    status: str
    settled: bool
    trimmed: bool
    last_sequence: int
    result_id: str
    failure: str | None
    events: tuple[tuple[int, str], ...]
    attempts: tuple[CountedAttempt, ...]
    calls: tuple[CountedCall, ...]
    results: tuple[str, ...]

    def complaints(self) -> Iterator[str]:
        """What is wrong with it, a sentence each."""
        if self.status not in _ENDED:
            yield f"is {self.status}: it has not ended"
        elif not self.settled:
            yield "has ended and is not settled"
        yield from self._events_complaints()
        yield from self._attempts_complaints()
        yield from self._calls_complaints()
        wanted = (self.result_id,) if self.status == "SUCCEEDED" else ()
        if self.results != wanted:
            yield f"is {self.status} and has the results {list(self.results)}, not {list(wanted)}"

    def _events_complaints(self) -> Iterator[str]:
        numbers = [number for number, _ in self.events]
        types = [kind for _, kind in self.events]
        first = self.last_sequence if self.trimmed else 1
        if numbers != list(range(first, self.last_sequence + 1)):
            yield f"says that its last event is {self.last_sequence} and has events with the numbers {numbers}"
        terminal = [kind for kind in types if kind in _ENDED]
        if terminal != ([self.status] if self.status in _ENDED else []) or (terminal and types[-1] != terminal[0]):
            yield f"is {self.status} and its events are {types}"
        if _NEVER_STORED in types:
            yield f"has a {_NEVER_STORED} in its events {types}"
        if not self.trimmed:
            yield from self._order_complaints(types)

    def _order_complaints(self, types: list[str]) -> Iterator[str]:
        before = ""
        for kind in (kind for kind in types if kind in _NEXT):
            if kind not in _NEXT[before]:
                yield f"has {kind} after {before or 'nothing'} in its events {types}"
            before = kind
        if types.count("STARTED") != len(self.attempts):
            yield f"has {len(self.attempts)} attempts and its events are {types}"

    def _attempts_complaints(self) -> Iterator[str]:
        outcomes = [attempt.outcome for attempt in self.attempts]
        numbers = [attempt.number for attempt in self.attempts]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"has attempts with the numbers {numbers}"
        if None in outcomes[:-1]:
            yield f"has an attempt that was left open: {outcomes}"
        succeeded = outcomes.count("SUCCEEDED")
        if self.status == "SUCCEEDED" and (succeeded != 1 or outcomes[-1] != "SUCCEEDED"):
            yield f"is SUCCEEDED and its attempts ended as {outcomes}"
        if self.status != "SUCCEEDED" and succeeded:
            yield f"is {self.status} and has an attempt that succeeded: {outcomes}"

    def _calls_complaints(self) -> Iterator[str]:
        numbers = [call.number for call in self.calls]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"has ledger entries with the numbers {numbers}"
        known = {attempt.number for attempt in self.attempts}
        if strange := [call for call in self.calls if call.attempt not in known]:
            yield f"has ledger entries of attempts that there are none of: {strange}"
        if self.settled and (still := [call for call in self.calls if call.outcome is None and not call.maybe_billed]):
            yield f"is settled with ledger entries left open: {still}"


@dataclass(frozen=True, slots=True)
class Census:
    """All generations, what lanes and slots still hold, and pictures that nothing refers to or that are missing.

    `lanes` are ids of generations by owner, `slots` by provider. `unused_files` and `missing_files` are paths below
    the folder of media, `unused_pictures` and `missing_pictures` ids.
    """

    generations: tuple[CountedGeneration, ...]
    lanes: Mapping[str, tuple[str, ...]]
    slots: Mapping[str, tuple[str, ...]]
    unused_pictures: tuple[str, ...] = ()
    unused_files: tuple[str, ...] = ()
    missing_pictures: tuple[str, ...] = ()
    missing_files: tuple[str, ...] = ()

    @property
    def statuses(self) -> Counter[str]:
        """How many generations have each status."""
        return Counter(one.status for one in self.generations)

    @property
    def calls(self) -> int:
        """How many calls to providers the ledgers hold."""
        return sum(len(one.calls) for one in self.generations)

    @property
    def at_rest(self) -> bool:
        """Whether every generation is settled, and no lane and no slot is held by one."""
        known = {one.id for one in self.generations}
        held = [one for holders in (self.lanes, self.slots) for ids in holders.values() for one in ids]
        return all(one.settled for one in self.generations) and known.isdisjoint(held)

    def of(self, generation_id: str) -> CountedGeneration:
        """The generation of that id."""
        (found,) = [one for one in self.generations if one.id == generation_id]
        return found

    def complaints(self, *, swept: bool = True) -> list[str]:
        """Every breach of the promise; none when all is well.

        Without `swept`, what the sweep takes away in minutes may still be there: unused pictures, and places in
        lanes of what was never stored.
        """
        found = [f"generation {one.id} {complaint}" for one in self.generations for complaint in one.complaints()]
        found += self._held_complaints(swept=swept)
        found += [f"picture {one} is referred to and is gone" for one in self.missing_pictures]
        found += [f"{one} is referred to and is not on the disk" for one in self.missing_files]
        if swept:
            found += [f"nothing refers to picture {one}" for one in self.unused_pictures]
            found += [f"nothing refers to the file {one}" for one in self.unused_files]
        return found

    def assert_whole(self, *, swept: bool = True) -> None:
        """Fail with all complaints."""
        complaints = self.complaints(swept=swept)
        assert not complaints, "\n".join(complaints)

    def _held_complaints(self, *, swept: bool) -> Iterator[str]:
        known = {one.id for one in self.generations}
        for what, holders in (("lane", self.lanes), ("slots", self.slots)):
            for holder, ids in holders.items():
                if held := [one for one in ids if swept or one in known]:
                    yield f"the {what} of {holder}: still held by {held}"


async def take_census(database: AsyncDatabase[dict[str, Any]], media: Path) -> Census:
    """Count; the answer is whole when nobody writes meanwhile."""
    rows = await database["generations"].find().sort("_id", 1).to_list()
    images = await database["ornament_images"].find().sort("_id", 1).to_list()
    lanes = await database["lanes"].find().to_list()
    slots = await database["provider_slots"].find().to_list()
    pictures = await database["pictures"].find().to_list()
    used = {str(one["pictureId"]) for image in images for one in (image, *image["sources"])}
    used = used.union(*(_pictures_of(row) for row in rows))
    keys = {str(one["_id"]): f"pictures/{one['key']}" for one in pictures if one.get("state") != _DELETING}
    used_keys = {key for identity, key in keys.items() if identity in used}
    files = await asyncio.to_thread(_files, media)
    return Census(
        generations=tuple(_counted(row, images) for row in rows),
        lanes={str(lane["_id"]): tuple(str(one) for one in lane["open"]) for lane in lanes},
        slots={row["_id"]: tuple(str(one["generationId"]) for one in row["taken"]) for row in slots},
        unused_pictures=tuple(sorted({str(one["_id"]) for one in pictures} - used)),
        unused_files=tuple(sorted(file for file in files if _original(file) not in used_keys)),
        missing_pictures=tuple(sorted(used - keys.keys())),
        missing_files=tuple(sorted(used_keys - files)),
    )


def _pictures_of(row: Row) -> set[str]:
    """`pictureIds`; where there is no such field, the recipe's."""
    if "pictureIds" in row:
        return {str(one) for one in row["pictureIds"]}
    return {str(one["pictureId"]) for one in row["recipe"]["pictures"]}


def _files(media: Path) -> set[str]:
    """Every file, those that were never finished too."""
    return {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}


def _original(file: str) -> str:
    """The file of the picture that a rendition (`renditions/WIDTH/KEY.webp`) was made from; else itself."""
    folder, _, rest = file.partition("/")
    return f"pictures/{rest.partition('/')[2].removesuffix('.webp')}" if folder == "renditions" else file


def _counted(row: Row, images: list[dict[str, Any]]) -> CountedGeneration:
    return CountedGeneration(
        id=str(row["_id"]),
        owner_id=str(row["ownerId"]),
        status=row["status"],
        settled=row["settled"],
        trimmed=row.get("trimmed", False),
        last_sequence=row["lastSequence"],
        result_id=str(row["resultId"]),
        failure=row["failure"]["code"] if row.get("failure") else None,
        events=tuple((event["sequence"], event["type"]) for event in row["events"]),
        attempts=tuple(
            CountedAttempt(one["number"], one.get("worker", ""), one.get("outcome")) for one in row["attempts"]
        ),
        calls=tuple(_call(one) for one in row.get("calls") or ()),
        results=tuple(str(image["_id"]) for image in images if image["generationId"] == row["_id"]),
    )


def _call(row: Row) -> CountedCall:
    maybe_billed = bool(row.get("maybeBilled"))
    return CountedCall(row["number"], row["attempt"], row.get("provider", ""), row.get("outcome"), maybe_billed)
