"""The servers that are compared, and how each is started."""

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from bench.comparing.process import ROOT, Server, running

OURS = "Regen"
PLAIN = "Strawberry as it comes"
ARIADNE = "Ariadne"
YOGA = "GraphQL Yoga (Node.js)"
MERCURIUS = "Mercurius (Node.js)"
MERCURIUS_JIT = "Mercurius with JIT (Node.js)"
GRAPHQL_WS = "graphql-ws (Node.js)"
WRITTEN = "hand-written: Starlette, orjson"
RAW = "raw WebSocket: Starlette, a ready text"
BEANIE = "Strawberry, Beanie, DataLoader"
BY_HAND = "hand-written: Starlette, PyMongo, orjson"

_PEERS = ROOT / "bench/peers"
_PEERS_PYTHON = str(_PEERS / ".venv/bin/python")


def _python(module: str) -> tuple[str, ...]:
    return _PEERS_PYTHON, "-m", f"bench.peers.{module}"


def _node(file: str) -> tuple[str, ...]:
    return "scripts/npm", "--node", str(_PEERS / file)


COMMANDS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        OURS: (sys.executable, "-m", "bench.ours.memory"),
        PLAIN: _python("plain"),
        ARIADNE: _python("ariadne_server"),
        YOGA: _node("yoga.mjs"),
        MERCURIUS: _node("mercurius.mjs"),
        MERCURIUS_JIT: _node("mercurius.mjs"),
        GRAPHQL_WS: _node("graphql-ws.mjs"),
        WRITTEN: _python("written"),
        RAW: _python("written"),
        BEANIE: _python("beanie_server"),
        BY_HAND: _python("pymongo_server"),
    }
)
SERVE = (sys.executable, "-m", "app.cli", "serve")
"""Regen itself."""
OURS_LIVE = (sys.executable, "-m", "bench.ours.progress")
_ARGUMENTS: Mapping[str, Sequence[str]] = MappingProxyType({MERCURIUS_JIT: ("jit",)})


@asynccontextmanager
async def all_running(names: Sequence[str], images: Path, folder: Path) -> AsyncGenerator[list[Server]]:
    """While entered, these run, each with the file of images."""
    async with AsyncExitStack() as stack:
        commands = [(name, (*COMMANDS[name], str(images), *_ARGUMENTS.get(name, ()))) for name in names]
        yield [await stack.enter_async_context(running(name, command, folder)) for name, command in commands]
