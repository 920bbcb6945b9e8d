"""What `regen doctor --full` shows: a bar or a line a test while they are made, then the results."""

import asyncio
import json
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

import click

from app.diagnostics.results import ProbeStatus, Run, Tested
from app.diagnostics.suites import PROBES
from app.doctor.full import run_both
from app.logs import configure_logs
from app.settings import Settings

_MARKS: Final = {
    ProbeStatus.PASSED: "[ok]     ",
    ProbeStatus.FAILED: "[problem]",
    ProbeStatus.SKIPPED: "[skipped]",
}
_ALL: Final = sum(len(probes) for probes in PROBES.values())

type Bar = Any
"""Click's progress bar; its type is not public."""


def all_passed(settings: Settings, *, as_json: bool) -> bool:
    """Make all tests and print what came of them; false when one failed."""
    configure_logs(as_json=settings.app_env == "production", level="ERROR")
    on_terminal = sys.stderr.isatty()
    with _bar() if on_terminal else nullcontext() as bar:
        screen = _Screen(bar, tells=not on_terminal and not as_json)
        runs = asyncio.run(run_both(settings, screen.show))
    if as_json:
        click.echo(json.dumps({"runs": [_as_json(run) for run in runs]}, indent=2, ensure_ascii=False))
    elif on_terminal:
        for run in runs:
            click.echo("\n".join([run.suite, *(_line(one) for one in run.tests)]))
    return not any(run.failed or not run.status.ended for run in runs)


@dataclass(slots=True)
class _Screen:
    """Shows runs while they are made: on a bar, or a line as each test ends."""

    bar: Bar | None
    tells: bool
    _ended: set[str] = field(default_factory=set[str])
    _suites: set[str] = field(default_factory=set[str])

    def show(self, run: Run) -> None:
        """See what has ended since, and what is being made."""
        if self.tells and run.suite not in self._suites:
            click.echo(run.suite)
        self._suites.add(run.suite)
        for one in run.tests:
            if one.result.status in _MARKS and one.probe.name not in self._ended:
                self._ended.add(one.probe.name)
                self._end(one)
        if self.bar is not None:
            now = [one.probe.title for one in run.tests if one.result.status is ProbeStatus.RUNNING]
            self.bar.current_item = now[0] if now else ""
            self.bar.render_progress()  # `update` does it for whole steps alone

    def _end(self, tested: Tested) -> None:
        if self.tells:
            click.echo(_line(tested))
        if self.bar is not None:
            self.bar.update(1, "")


def _bar() -> AbstractContextManager[Bar]:
    def shown(title: str | None) -> str:
        return title or ""

    return click.progressbar(length=_ALL, label="Diagnostics", item_show_func=shown, file=sys.stderr)


def _line(tested: Tested) -> str:
    result = tested.result
    took = "" if result.duration_ms is None else f" ({result.duration_ms / 1000:.1f} s)"
    return f"{_MARKS[result.status]} {tested.probe.title}{took}: {result.message}"


def _as_json(run: Run) -> dict[str, Any]:
    """As the API shows it, but for the pictures, which are deleted by now: how many they were."""
    return {"suite": run.suite, "status": run.status, "tests": [_test_as_json(one) for one in run.tests]}


def _test_as_json(tested: Tested) -> dict[str, Any]:
    result = tested.result
    return {
        "name": tested.probe.name,
        "title": tested.probe.title,
        "status": result.status,
        "durationMs": result.duration_ms,
        "inputPictures": len(result.input_pictures),
        "outputPictures": len(result.output_pictures),
        "request": result.request,
        "response": result.response,
        "message": result.message,
    }
