"""What is sent to the database, and who of us sends it."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, override

from pymongo import monitoring
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

import app

_OURS = str(Path(app.__file__).parent)
_DUTIES = frozenset({"Sweeper.run", "keep_caught_up"})
_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Sent:
    """A command; `by` are our functions under way, the innermost first."""

    name: str
    collection: str
    by: tuple[str, ...]

    def __str__(self) -> str:
        """What is sent, and the two innermost functions that are anybody's to call."""
        callers = [one for one in self.by if not one.rpartition(".")[2].startswith("_")]
        return f"{self.name:<14} {self.collection:<15} {' < '.join(callers[:_SHOWN])}"


@dataclass(frozen=True, slots=True)
class Commands(CommandListener):
    """Everything that was sent, in order; what a process does by the clock is left out."""

    sent: list[Sent] = field(default_factory=list[Sent])

    def listen(self) -> None:
        """Hear all clients that are made from now on."""
        monitoring.register(self)

    def take(self, of: Callable[[Sent], bool] = lambda _: True) -> list[Sent]:
        """Those that were sent since the last time."""
        taken = [one for one in self.sent if of(one)]
        self.sent.clear()
        return taken

    @override
    def started(self, event: CommandStartedEvent) -> None:
        by = tuple(_our_functions())
        if _DUTIES.isdisjoint(by):
            named: Any = event.command.get(event.command_name)
            self.sent.append(Sent(event.command_name, named if isinstance(named, str) else "", by))

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    @override
    def failed(self, event: CommandFailedEvent) -> None: ...


def _our_functions() -> Iterator[str]:
    """Innermost first: who awaits is on the stack of what it awaits."""
    for frame, _ in traceback.walk_stack(None):
        if frame.f_code.co_filename.startswith(_OURS):
            yield frame.f_code.co_qualname


def show(title: str, sent: Sequence[Sent]) -> None:
    """Print them, one a line."""
    print(f"\n{title}: {len(sent)} commands")
    for number, one in enumerate(sent, 1):
        print(f"  {number:>2} {one}")
