"""How each peer in Python is served: uvicorn with uvloop and httptools, as Regen is."""

import gc
import socket

import uvicorn
from starlette.types import ASGIApp

_BACKLOG = 2048


def serve(application: ASGIApp, *, settled: bool = False) -> None:
    """Serve on a free port of 127.0.0.1, and say which; `settled`: with the garbage collector set as Regen sets it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
    )
    if settled:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
    print(f"ready {listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])
