"""The real server as a process of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TextIO

from tests.e2e.forks import Fork, forked

ROOT = Path(__file__).parent.parent.parent
_READY = re.compile(r"Regen is ready at (http://[^/]+)/graphql|Regen's worker is ready")
_STOP_S = 20


@dataclass
class Server:
    """A running server; `banner` is what it printed before it was ready, `log` what it wrote to stderr so far."""

    process: subprocess.Popen[str] | Fork
    url: str
    banner: str
    log: list[str]

    @property
    def sockets_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/graphql"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        self.resume()  # one that is paused ends, too
        return self.process.wait(_STOP_S)

    def pause(self) -> None:
        """Stop it in the middle of what it does; its connections stay open."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on where it was."""
        self.process.send_signal(signal.SIGCONT)


def environment(**settings: str) -> dict[str, str]:
    """The environment of a bare machine that trusts nobody far away, and these settings."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **settings}


@contextmanager
def running(
    data_dir: Path, settings: Mapping[str, str] | None = None, command_name: str = "serve", *, fresh: bool = False
) -> Generator[Server]:
    """`regen serve` on a free port, or `regen worker`, stopped at the end; `fresh`: with an interpreter of its own."""
    env = environment(DATA_DIR=str(data_dir), PORT="0", **(settings or {}))
    with ExitStack() as stack:
        out, to_out = _pipe(stack)
        err, to_err = _pipe(stack)
        process = _started(command_name, data_dir, env, (to_out, to_err), fresh=fresh or "LD_PRELOAD" in env)
        os.close(to_out)
        os.close(to_err)
        log: list[str] = []
        reader = Thread(target=lambda: log.extend(iter(err.readline, "")), daemon=True)
        reader.start()
        try:
            yield _wait_until_ready(process, out, log)
        finally:
            if process.poll() is None:
                process.terminate()
                process.send_signal(signal.SIGCONT)  # one that is paused ends, too
                try:
                    process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(_STOP_S)
            reader.join(_STOP_S)


def _pipe(stack: ExitStack) -> tuple[TextIO, int]:
    """What is read here, and the descriptor of the other end."""
    ours, theirs = os.pipe()
    return stack.enter_context(os.fdopen(ours, encoding="utf-8")), theirs


def _started(
    command_name: str, data_dir: Path, env: Mapping[str, str], streams: tuple[int, int], *, fresh: bool
) -> subprocess.Popen[str] | Fork:
    if not fresh:
        return forked("app.cli", [command_name], env, data_dir, (None, *streams))
    command, (out, err) = [sys.executable, "-m", "app.cli", command_name], streams
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        command, cwd=data_dir, env=env, stdout=out, stderr=err, text=True
    )


def _wait_until_ready(process: subprocess.Popen[str] | Fork, out: Iterable[str], log: list[str]) -> Server:
    banner = ""
    for line in out:
        banner += line
        if found := _READY.search(line):
            return Server(process, found[1] or "", banner, log)
    message = f"the server did not start:\n{banner}{''.join(log)}"
    raise AssertionError(message)
