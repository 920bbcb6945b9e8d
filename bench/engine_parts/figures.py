"""Figures as they are printed."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH = 60


def p99(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[98]


@dataclass(frozen=True, slots=True)
class Waits:
    """A line of the table: how long something took, in seconds, each time; `target` is in words."""

    label: str
    took_s: Sequence[float]
    target: str = ""

    def __str__(self) -> str:
        """Milliseconds: the median, the 99th percentile and the longest."""
        if not self.took_s:
            return f"{self.label:<{_WIDTH}} {0:>5}"
        p50_ms, p99_ms = statistics.median(self.took_s) * 1000, p99(self.took_s) * 1000
        figures = f"{len(self.took_s):>5} {p50_ms:8.1f} {p99_ms:8.1f} {max(self.took_s) * 1000:8.1f}"
        return f"{self.label:<{_WIDTH}} {figures}  {self.target}".rstrip()


def head(title: str) -> None:
    """A title, and what the columns below are."""
    print(f"\n{title:<{_WIDTH}} {'n':>5} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}  target")


def line(label: str, figure: float, unit: str) -> None:
    """One figure."""
    print(f"{label:<{_WIDTH}} {figure:14.2f} {unit}")
