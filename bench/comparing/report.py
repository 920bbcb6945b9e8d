"""The tables: on the terminal, in README.md between two marks, and all figures in `bench/results.json`."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.comparing.process import ROOT
from bench.comparing.targets import Measured

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
_RESULTS = ROOT / "bench/results.json"
_TARGETS = ("", "measured", "at least", "hoped for", "reached")
_COSTS = ("", "CPU µs a request", "p50 ms", "p99 ms", "requests a second")
_DELIVERED = ("one event to 1,000 subscribers", "CPU µs a delivery", "p50 ms", "p99 ms", "deliveries a second")

type Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured; `load` is the load average before it began."""

    at: str
    cores: int
    processor: str
    python: str
    node: str
    load: float

    @classmethod
    def here(cls, node: str) -> "Machine":
        """This one, now."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(now, os.cpu_count() or 1, _processor(), platform.python_version(), node, os.getloadavg()[0])

    def __str__(self) -> str:
        """One sentence."""
        versions = f"Python {self.python}, Node.js {self.node}"
        return f"Measured on {self.at[:10]}: {self.cores} cores ({self.processor}), load {self.load:.1f}; {versions}."


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def tables(measured: Measured) -> list[tuple[Row, list[Row]]]:
    """Each with its head: the figures to reach, then every server."""
    found: list[tuple[Row, list[Row]]] = [(_TARGETS, [target.shown for target in measured.targets()])]
    pages = {f"gallery({first}) from memory": costs for first, costs in measured.galleries.items()}
    pages["gallery(20) from the database, authenticated"] = measured.database
    for title, costs in pages.items():
        rows: list[Row] = [
            (name, f"{one.cpu_us:,.0f}", f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}", f"{one.a_second:,.0f}")
            for name, one in costs.items()
        ]
        found.append(((title, *_COSTS[1:]), rows))
    delivered: list[Row] = [
        (name, f"{one.cpu_us:.1f}", f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}", f"{one.a_second:,.0f}")
        for name, one in measured.deliveries.items()
    ]
    found.append((_DELIVERED, delivered))
    return found


def as_text(head: Row, rows: Iterable[Row]) -> str:
    """A table for a terminal."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def as_markdown(head: Row, rows: Iterable[Row]) -> str:
    """A table for the README."""
    marks = ("---", *("--:" for _ in head[1:]))
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, marks, *rows))


def show(measured: Measured, machine: Machine) -> None:
    """Print the tables."""
    for head, rows in tables(measured):
        print("\n" + as_text(head, rows))
    print(f"\n{machine}")


def keep(measured: Measured, machine: Machine, rounds: int) -> None:
    """Write all of it to `bench/results.json`."""
    targets = [asdict(target) | {"reached": target.reached} for target in measured.targets()]
    figures = {name: _plain(getattr(measured, name)) for name in Measured.__slots__}
    text = json.dumps({"machine": asdict(machine), "rounds": rounds, "targets": targets, **figures}, indent=2)
    _RESULTS.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - whatever it holds
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def write_readme(measured: Measured, machine: Machine, readme: Path = ROOT / "README.md") -> None:
    """Put the tables into README.md.

    Raises:
        ValueError: there is no place for them.
    """
    shown = [str(machine), *(as_markdown(head, rows) for head, rows in tables(measured))]
    readme.write_text(put(readme.read_text(encoding="utf-8"), "\n\n".join(shown)), encoding="utf-8")


def put(text: str, shown: str) -> str:
    """The text with that between its two marks.

    Raises:
        ValueError: the marks are not there.
    """
    before, began, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (began and ended):
        raise ValueError(f"README.md needs the lines {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n{shown}\n{END}{after}"
