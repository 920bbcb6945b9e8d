"""The stand-in in a thread of its own: it answers whatever the loops of others do, and ends with the process."""

import asyncio
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol, Self

from app.simulator.listener import listening
from app.simulator.server import Server
from app.simulator.simulator import Simulator

LIKE_REAL_S: Final = 2.0
"""How long a picture takes where people watch."""
_HOST = "127.0.0.1"


class Simulatable(Protocol):
    """Settings that may ask for the stand-in."""

    @property
    def simulate(self) -> bool:
        """Whether they do."""
        ...

    def simulated(self, environment: Mapping[str, str]) -> Self:
        """The same settings with these variables set."""
        ...


@contextmanager
def simulated_if_asked[S: Simulatable](settings: S) -> Generator[S]:
    """The settings as they are; where they ask for it, with the stand-in's keys and addresses, while it runs."""
    if not settings.simulate:
        yield settings
        return
    with simulated_providers(takes_s=LIKE_REAL_S) as simulator:
        yield settings.simulated(simulator.settings)


@contextmanager
def simulated_providers(*, takes_s: float = 0.0, port: int = 0) -> Generator[Simulator]:
    """Serve on that port of 127.0.0.1 (0: a free one) until the exit; a picture takes `takes_s` seconds."""
    with listening(_HOST, port) as listener:
        simulator = Simulator(url=f"http://{_HOST}:{listener.getsockname()[1]}", takes_s=takes_s)
        server = Server(simulator)
        ready = threading.Event()

        async def serve() -> None:
            simulator.started()
            ready.set()
            await server.serve(sockets=[listener])

        # A daemon: nobody waits for the stand-in, however the process ends.
        thread = threading.Thread(target=asyncio.run, args=(serve(),), name="simulator", daemon=True)
        thread.start()
        ready.wait()
        try:
            yield simulator
        finally:
            server.should_exit = True
            simulator.release()
            thread.join()
