"""What a server takes that does nothing; `bench/footprint.py` has the figures."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.databases import database_setting
from tests.e2e.conftest import MakeClient
from tests.e2e.server import Server, running

_IDLE_MB = 100
"""Of its own: with the libraries' files, which the system maps by what it has at hand, there are 35 to 45 more."""
_PIXELS = ("/cv2/", "/numpy/")
"""What takes 50 MB and more, and comes with the first picture that is made here."""
_SOCKETS, _SUBSCRIPTION_KB = 100, 450
"""Ten times what it is to take."""
_EVENTS = "subscription { viewerEvents { type sequence } }"
_ASKED = "{ viewer { user { id } } }"


def _memory_bytes(server: Server) -> int:
    """What it has of its own."""
    told = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in told.splitlines() if line.startswith("RssAnon:"))


def _files(server: Server) -> str:
    """Those that are mapped into it."""
    return Path(f"/proc/{server.process.pid}/maps").read_text(encoding="utf-8")


@pytest.mark.long
async def test_idle_server_and_its_subscriptions_take_little_memory(tmp_path: Path, client_of: MakeClient) -> None:
    with running(tmp_path, {**database_setting(), "SOCKETS_PER_USER": "0"}, fresh=True) as server:
        ada = client_of(server)
        await ada.run("{ __typename }")
        idle = _memory_bytes(server)
        assert idle < _IDLE_MB * 1e6
        assert not [name for name in _PIXELS if name in _files(server)]
        await ada.sign_up()  # a password's hash takes 64 MB, and gives them back
        before = _memory_bytes(server)
        async with AsyncExitStack() as stack:
            for _ in range(_SOCKETS):
                socket = await stack.enter_async_context(ada.socket())
                await socket.send({"type": "subscribe", "id": "events", "payload": {"query": _EVENTS}})
                await socket.send({"type": "subscribe", "id": "asked", "payload": {"query": _ASKED}})
                while (await socket.receive()).get("id") != "asked":
                    pass
            assert (_memory_bytes(server) - before) / _SOCKETS < _SUBSCRIPTION_KB * 1e3
