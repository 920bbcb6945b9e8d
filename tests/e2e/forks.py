"""Processes that start at once, because what takes them a second or two, their imports, is done before they are forked.

All else is a process's own: arguments, environment, folder, streams, signals, and how it ends. That Regen also starts
with an interpreter of its own is shown by those tests that ask for one.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from threading import Lock
from typing import Any

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["tests.e2e.template"])


class Fork:
    """A running fork: as much of `subprocess.Popen` as is needed here."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self._pid = process.pid or 0
        self._lock = Lock()
        self.returncode: int | None = None

    @property
    def pid(self) -> int:
        return self._pid

    def poll(self) -> int | None:
        """Its exit code, negative for a signal's number; null while it runs."""
        with self._lock:
            if self.returncode is None and (code := self._process.exitcode) is not None:
                self.returncode = code
                self._process.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it has not come in time.
        """
        with suppress(ValueError):  # another thread has seen the end
            wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired([f"fork {self._pid}"], timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing happens to one that has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it may end in between
                os.kill(self._pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def forked(
    module: str,
    arguments: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    streams: tuple[int | None, int, int],
) -> Fork:
    """`python -m MODULE ARGUMENTS`, with these descriptors as its standard streams; they stay the caller's to close."""
    given = [_Handed(number, stream) for number, stream in enumerate(streams) if stream is not None]
    process = _FORKSERVER.Process(target=_become, args=(module, arguments, dict(env), folder, given), daemon=True)
    process.start()
    return Fork(process)


class _Handed:
    """A descriptor on its way to a fork, where it is to have this `number`."""

    def __init__(self, number: int, descriptor: int) -> None:
        self.number, self.descriptor = number, descriptor

    def __reduce__(self) -> tuple[Callable[[int, Any], "_Handed"], tuple[int, Any]]:
        return _arrived, (self.number, DupFd(self.descriptor))


def _arrived(number: int, handle: Any) -> _Handed:
    return _Handed(number, handle.detach())


def _become(module: str, arguments: Sequence[str], env: Mapping[str, str], folder: Path, given: list[_Handed]) -> None:
    for one in given:
        os.dup2(one.descriptor, one.number)
        os.close(one.descriptor)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.argv = [module, *arguments]
    import_module(module).main()
