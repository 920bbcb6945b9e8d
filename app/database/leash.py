"""Keep a foreign server on a leash: `python -m app.database.leash COMMAND...`.

Regen's own child ends at the end of its stdin; a mongod does not watch it. This process does so for it: it runs
the command, passes SIGTERM on, and ends it when the parent has ended, however that ended.
"""

import os
import signal
import subprocess
import sys
import threading

_CLOSE_S = 10.0
_STDIN = 0


def _end_with_parent(server: subprocess.Popen[bytes]) -> None:
    while os.read(_STDIN, 1):
        pass
    server.terminate()
    try:
        server.wait(_CLOSE_S)
    except subprocess.TimeoutExpired:
        server.kill()


def main() -> int:
    """Run the command of the arguments; its exit code."""
    # close_fds=False: the server inherits the lock of the data folder too, and so holds it as long as it lives.
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, close_fds=False) as server:  # noqa: S603 - from the caller, no shell
        signal.signal(signal.SIGTERM, lambda _number, _frame: server.terminate())
        threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
        return server.wait()


if __name__ == "__main__":
    sys.exit(main())
