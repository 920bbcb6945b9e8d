"""What `regen pictures` shows, as text for people."""

from collections.abc import Mapping
from datetime import timedelta

from app.pictures.stores import Stores, how_to_set_up
from app.shelves.mover import Tally
from app.shelves.queries import Heap

_HEAD = ("STORE", "PICTURES", "SIZE", "NOTE")
_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB"))
_SHOWN = 10
_HOUR = timedelta(hours=1)


def listing(stores: Stores, lying: Mapping[str, Heap], left: Mapping[str, Heap], coming: Mapping[str, Heap]) -> str:
    """A line a store, under a heading."""
    names = [*stores.names, *sorted({*lying, *left, *coming}.difference(stores.names))]
    rows: list[tuple[str, ...]] = [_HEAD]
    for name in names:
        heap = lying.get(name, Heap())
        notes = [_standing(stores, name)]
        if name in left:
            notes.append(f"{_pictures(left[name])} that were moved away wait to be deleted")
        if name in coming:
            notes.append(f"{_pictures(coming[name])} on the way here")
        rows.append((name, f"{heap.pictures:,}", size(heap.bytes), "; ".join(filter(None, notes))))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    aligned = ([cell.ljust(width) for cell, width in zip(row, widths, strict=False)] for row in rows)
    return "\n".join("  ".join([*cells, row[-1]]).rstrip() for cells, row in zip(aligned, rows, strict=True))


def progress(tally: Tally, total: int) -> str:
    """How a run stands."""
    failed = f", {len(tally.failures):,} failed" if tally.failures else ""
    return f"{tally.moved:,} of {total:,} moved ({size(tally.bytes)}){failed}"


def plan(heap: Heap, source: str, target: str) -> str:
    """What a run would do."""
    return f"{_pictures(heap)} would be moved from {source} to {target}."


def summary(tally: Tally, source: str, target: str, stay: timedelta) -> str:
    """What a run has done, and what comes of it."""
    lines = [f"Moved {_pictures(Heap(tally.moved, tally.bytes))} from {source} to {target}."]
    if tally.overtaken:
        lines.append(f"{tally.overtaken:,} were moved or deleted by others meanwhile.")
    lines += tally.failures[:_SHOWN]
    if len(tally.failures) > _SHOWN:
        lines.append(f"... and {len(tally.failures) - _SHOWN:,} more stay.")
    if tally.moved:
        hours = f"{stay / _HOUR:g} hours"
        lines.append(
            f"The bytes in {source} stay for {hours}, then a running server deletes them; so long old links work."
        )
    return "\n".join(lines)


def size(count: int) -> str:
    """Bytes in the largest unit of which there is one."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def _standing(stores: Stores, name: str) -> str:
    if name not in stores.names:
        return f"not set up: {how_to_set_up(name)}"
    return "new pictures go here" if name == stores.chosen.name else ""


def _pictures(heap: Heap) -> str:
    return f"{heap.pictures:,} {'picture' if heap.pictures == 1 else 'pictures'} ({size(heap.bytes)})"
