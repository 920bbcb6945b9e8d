"""Servers and clients as processes of their own, started and ended by their id."""

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.server import environment

ROOT = Path(__file__).parent.parent.parent
_READY = re.compile(rb"ready (at|\d+)")
_READY_S, _LEAVE_S = 60, 15
_LINE_BYTES, _TOLD_CHARACTERS = 1 << 24, 4_000


class NotReadyError(Exception):
    """A server did not start; the message is what it wrote."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens on a port of 127.0.0.1."""

    name: str
    port: int
    pid: int

    def cpu_s(self) -> float:
        """Seconds of CPU so far, of it and its children, to the nanosecond."""
        return sum(time.clock_gettime(_cpu_clock(pid)) for pid in _family(self.pid))


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))


def _cpu_clock(pid: int) -> int:
    """The clock of a process's CPU time, as clock_getcpuclockid(3) has it; /proc counts in steps of 10 ms."""
    return ~pid << 3 | 2


@asynccontextmanager
async def running(
    name: str, command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[Server]:
    """While entered, that server runs; its log is a file in the folder.

    It says `ready PORT` once it listens, or `ready at ADDRESS` where PORT is a setting.

    Raises:
        NotReadyError: it ended, or said nothing within a minute.
    """
    log = folder / f"{name.replace(' ', '-')}.log"
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env=environment(NODE_ENV="production", **(settings or {})),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        said = await _said(name, process, log)
        yield Server(name, int((settings or {})["PORT"] if said == b"at" else said), process.pid)
    finally:
        await _end(process)


async def _said(name: str, process: asyncio.subprocess.Process, log: Path) -> bytes:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_S):
            async for line in process.stdout:
                if found := _READY.search(line):
                    return found[1]
    except TimeoutError:
        pass
    written = await asyncio.to_thread(log.read_text, errors="replace")
    raise NotReadyError(f"{name} did not start:\n{written[-_TOLD_CHARACTERS:]}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _LEAVE_S)
    except TimeoutError:
        process.kill()
        await process.wait()


@dataclass(slots=True)
class Client:
    """A process that answers a line of JSON with another."""

    process: asyncio.subprocess.Process
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, **asked: Any) -> dict[str, Any]:
        """What it answers.

        Raises:
            ConnectionError: it says that something failed, or has ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        async with self._one_at_a_time:
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            line = await self.process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the client has ended"}
        if "error" in answer:
            raise ConnectionError(answer["error"])
        return answer


@asynccontextmanager
async def client(module: str) -> AsyncGenerator[Client]:
    """While entered, `python -m MODULE` runs; it leaves at the end of its input."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    try:
        yield Client(process)
    finally:
        await _end(process)
