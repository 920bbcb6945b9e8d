"""The ledger of one generation, as one attempt writes it: several calls may be under way at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.generations.attempts import Call


@dataclass(slots=True)
class Ledger:
    """The entries; each is known by its number, which stays its own and is never given again."""

    calls: list[Call]
    _highest: int = field(init=False)
    _written: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self._written = {one.number for one in self.calls}
        self._highest = max(self._written, default=0)

    @property
    def next_number(self) -> int:
        """That of the next entry."""
        return self._highest + 1

    @property
    def has_unwritten(self) -> bool:
        """Whether the database is not known to have an entry."""
        return any(one.number not in self._written for one in self.calls)

    def put(self, call: Call) -> None:
        """Take in a new entry, or the new state of one."""
        self._highest = max(self._highest, call.number)
        for index, one in enumerate(self.calls):
            if one.number == call.number:
                self.calls[index] = call
                return
        self.calls.append(call)

    def drop(self, call: Call) -> bool:
        """Take out an entry; false when the database has it: then it may be of a call that was made."""
        if call.number in self._written:
            return False
        self.calls[:] = [one for one in self.calls if one.number != call.number]
        return True

    def rows(self) -> list[dict[str, Any]]:
        """The entries as the database keeps them."""
        return [one.model_dump(by_alias=True) for one in self.calls]

    def are_written(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Say that the database has these."""
        self._written.update(row["number"] for row in rows)
