"""The command line, as an operator calls it."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
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


def regen_on_terminal(
    data_dir: Path, *arguments: str, look: Callable[[str], None], **settings: str
) -> subprocess.CompletedProcess[str]:
    """The same, with a terminal for its errors and its progress; `look` is shown all that stands there, as it grows."""
    terminal, its_end = pty.openpty()
    with ExitStack() as stack:
        stack.callback(os.close, terminal)
        reader = stack.enter_context(ThreadPoolExecutor(1)).submit(_all_from, terminal, look)
        out = stack.enter_context(TemporaryFile("w+", encoding="utf-8"))
        env = environment(DATA_DIR=str(data_dir), **settings)
        fork = forked("app.cli", arguments, env, data_dir, (None, out.fileno(), its_end))
        os.close(its_end)
        try:
            code = fork.wait(_ANSWERS_S)
        finally:
            fork.kill()
        out.seek(0)
        return subprocess.CompletedProcess(["regen", *arguments], code, out.read(), reader.result(_ANSWERS_S))


def _all_from(terminal: int, look: Callable[[str], None]) -> str:
    """What is written to it until nobody has its other end any more."""
    written = b""
    with suppress(OSError):  # so Linux says that nobody has
        while piece := os.read(terminal, 4096):
            written += piece
            look(written.decode(errors="replace"))
    return written.decode()


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
