"""The figures that are to be reached, and whether they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.comparing.catalogue import ARIADNE, BEANIE, BY_HAND, GRAPHQL_WS, OURS, PLAIN, RAW, WRITTEN, YOGA
from bench.comparing.fanout import Delivered
from bench.comparing.own import Accepted
from bench.comparing.rounds import Cost
from bench.comparing.whole import Scaling


@dataclass(frozen=True, slots=True)
class Target:
    """One figure against what it is to be: `at_least` and `hoped` are the least, or the most where `most` is true."""

    what: str
    figure: float
    unit: str
    at_least: float
    hoped: float
    most: bool = False

    @property
    def reached(self) -> str:
        """`hoped for`, `yes`, or by how much it falls short."""
        if self._within(self.hoped):
            return "hoped for"
        if self._within(self.at_least):
            return "yes"
        share = self.at_least / self.figure if self.most else self.figure / self.at_least
        return f"no: {share:.0%} of it"

    @property
    def shown(self) -> tuple[str, str, str, str, str]:
        """What, figure, at least, hoped for, reached."""
        sign = "≤ " if self.most else ""
        least, hoped = (f"{sign}{_number(one)}{self.unit}" for one in (self.at_least, self.hoped))
        return self.what, f"{_number(self.figure)}{self.unit}", least, hoped, self.reached

    def _within(self, bound: float) -> bool:
        return self.figure <= bound if self.most else self.figure >= bound


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.1f}".removesuffix(".0")  # noqa: PLR2004 - three digits are enough


@dataclass(frozen=True, slots=True)
class Measured:
    """All that was measured; null: it was left out."""

    galleries: Mapping[int, Mapping[str, Cost]]
    database: Mapping[str, Cost]
    deliveries: Mapping[str, Delivered]
    workers: Mapping[str, Scaling] | None
    accepted: Accepted
    uploads: Any
    footprint: Any

    def targets(self) -> list[Target]:
        """In the order of what is asked most."""
        return [*self._requests(), *self._live(), *self._rest()]

    def _requests(self) -> list[Target]:
        small, large, whole = self.galleries[20], self.galleries[200], self.database
        memory, database = "from memory", "from the database, whole server"
        return [
            Target(f"gallery(20) {memory}, against {PLAIN}", _times(small, PLAIN), "×", 12, 22),
            Target(f"gallery(20) {memory}, against {ARIADNE}", _times(small, ARIADNE), "×", 10, 18),
            Target(f"gallery(20) {memory}, against {YOGA}", _times(small, YOGA), "×", 1.5, 2.5),
            Target(f"gallery(200) {memory}, against {PLAIN}", _times(large, PLAIN), "×", 16, 25),
            Target(f"gallery(200) {memory}, of the limit ({WRITTEN})", _times(large, WRITTEN), "", 0.6, 0.85),
            Target(f"gallery(20) {database}, against {BEANIE}", _times(whole, BEANIE), "×", 7, 10),
            Target(f"gallery(20) {database}, of the limit ({BY_HAND})", _times(whole, BY_HAND), "", 0.75, 0.9),
        ]

    def _live(self) -> list[Target]:
        live, event = self.deliveries, "one event to 1,000 subscribers: p99 against"
        ours = live[OURS]
        return [
            Target(f"{event} {RAW}", ours.p99_ms / live[RAW].p99_ms, "×", 1.5, 1.2, most=True),
            Target(f"{event} {GRAPHQL_WS}", ours.p99_ms / live[GRAPHQL_WS].p99_ms, "×", 0.6, 0.4, most=True),
            Target(f"deliveries a second of CPU, against {PLAIN}", live[PLAIN].cpu_us / ours.cpu_us, "×", 5, 8),
        ]

    def _rest(self) -> list[Target]:
        found = list[Target]()
        for name, scaling in (self.workers or {}).items():
            found.append(Target(f"two processes against one, {name}", scaling.answers, "×", 1.7, 1.85))
            found.append(Target("the same by CPU a request, with a core each", scaling.by_cpu, "×", 1.7, 1.85))
        if self.uploads is not None:
            stall, least_ms, hoped_ms = "longest stall of the loop in 20 uploads of 5 MB", 30, 15
            found.append(Target(stall, self.uploads.longest_gap_ms, " ms", least_ms, hoped_ms, most=True))
            own = "the same, less the time for which others had its core"
            found.append(Target(own, self.uploads.held_ms, " ms", least_ms, hoped_ms, most=True))
        found.append(Target("regenerateImage accepted: CPU", self.accepted.cpu_ms, " ms", 3, 1.5, most=True))
        found.append(Target("regenerateImage accepted: commands", self.accepted.commands, "", 4, 3, most=True))
        return found + self._footprint()

    def _footprint(self) -> list[Target]:
        if self.footprint is None:
            return []
        taken = self.footprint
        return [
            Target("from `regen serve` to the first answer", taken.start_s, " s", 3, 3, most=True),
            Target("memory of an idle process", taken.idle_mb, " MB", 150, 150, most=True),
            Target("memory of an open subscription", taken.subscription_of_many_kb, " KB", 45, 45, most=True),
        ]


def _times(costs: Mapping[str, Cost], peer: str) -> float:
    """How many times Regen's CPU a request the peer's is."""
    return costs[peer].cpu_us / costs[OURS].cpu_us
