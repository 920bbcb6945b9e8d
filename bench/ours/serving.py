"""How what is ours is served where it is no `regen serve`: with its settings, on a free port."""

import gc
import socket

import uvicorn
import uvloop

_BACKLOG = 2048


async def serve_until_told(config: uvicorn.Config) -> None:
    """Serve on a free port of 127.0.0.1 until SIGTERM, and say which."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    print(f"ready {listener.getsockname()[1]}", flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


def serve(config: uvicorn.Config) -> None:
    """Serve with nothing around it."""
    uvloop.run(serve_until_told(config))
