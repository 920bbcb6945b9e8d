"""The command line, as an operator calls it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.e2e.forks import forked
from tests.e2e.server import environment

_ANSWERS_S = 60


def regen(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`regen ARGUMENTS` over that data folder, as a fork."""
    with ExitStack() as stack:
        out, err = (stack.enter_context(TemporaryFile("w+", encoding="utf-8")) for _ in range(2))
        env = environment(DATA_DIR=str(data_dir), **settings)
        fork = forked("app.cli", arguments, env, data_dir, (None, out.fileno(), err.fileno()))
        try:
            code = fork.wait(_ANSWERS_S)
        finally:
            fork.kill()
        said = [(file.seek(0), file.read())[1] for file in (out, err)]
    return subprocess.CompletedProcess(["regen", *arguments], code, *said)


def regen_itself(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The same, with an interpreter of its own."""
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
