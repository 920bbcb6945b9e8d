"""The embedded database's own process: `python -m app.database.child PATH PORT`.

Its evaluation would block the API if both shared an event loop. It prints its URL as one line once it listens
on 127.0.0.1, closes on SIGTERM, and ends with its parent, however that ends: the kernel then closes the pipe
that is its stdin.
"""

import asyncio
import gc
import os
import signal
import sqlite3
import sys
import threading
import time
from importlib import import_module

_CLOSE_S = 5.0
_STDIN = 0


def _end_with_parent() -> None:
    """Wait for the end of stdin, then close; a process too busy to close in time is ended as it is."""
    while os.read(_STDIN, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_CLOSE_S)
    os._exit(1)


def _import_library() -> None:
    """It takes most of the start: so nothing is collected in between, nor ever looked at again by the collector."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start threads for what is never done here
    gc.disable()
    import_module("app.database.overrides")
    import_module("mongoeco.wire")
    gc.freeze()
    gc.enable()


async def _serve(path: str, port: int) -> None:
    from mongoeco.wire import AsyncMongoEcoProxyServer  # noqa: PLC0415 - imported above, in its own way

    from app.database.overrides import fast_engine  # noqa: PLC0415 - the same

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = AsyncMongoEcoProxyServer(engine=fast_engine(path), host="127.0.0.1", port=port, mongodb_dialect="8.0")
    async with server:
        print(server.address.uri, flush=True)  # noqa: T201 - the parent reads it
        await stop.wait()


def main() -> None:
    """Serve the file PATH on PORT (0: a free one) until SIGTERM or the end of stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, and it closes the database last
    os.umask(0o077)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _import_library()
    try:
        asyncio.run(_serve(sys.argv[1], int(sys.argv[2])))
    except sqlite3.DatabaseError as error:  # its last words are what the operator reads
        sys.exit(f"The file {sys.argv[1]} can't be opened ({error}). Restore it from a backup, or move it away.")


if __name__ == "__main__":
    main()
