"""The command line, as an operator calls it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.server import environment

_ANSWERS_S = 60


def regen(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`regen ARGUMENTS` over that data folder."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    env = environment(DATA_DIR=str(data_dir), **settings)
    return subprocess.run(  # noqa: S603 - our own module, no shell
        command, cwd=data_dir, env=env, capture_output=True, text=True, check=False, timeout=_ANSWERS_S
    )


def said(data_dir: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> str:
    """What a command that succeeds prints."""
    done = regen(data_dir, *arguments, **(settings or {}))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def told(data_dir: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> Any:
    """The same, of a command that prints JSON."""
    return json.loads(said(data_dir, *arguments, "--json", settings=settings))


def is_one_sentence(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether it failed with one line that says why."""
    return done.returncode == 1 and done.stderr.startswith("regen: ") and done.stderr.count("\n") == 1
