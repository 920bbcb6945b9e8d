"""`regen simulate-providers`."""

import asyncio
import signal
import socket
from typing import TYPE_CHECKING

import click

from app.simulator.listener import listening

if TYPE_CHECKING:
    from app.simulator.simulator import Simulator


@click.command("simulate-providers")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8010, show_default=True, help="0: any that is free.")
@click.option(
    "--takes",
    "takes_s",
    type=click.FloatRange(0, 120),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a picture or a text takes.",
)
def simulate_providers(*, host: str, port: int, takes_s: float) -> None:
    """Stand in for OpenAI, Gemini and Cloudinary, without a key, until it is stopped.

    It prints the settings that lead another server to it. A key sim-SCENARIO asks for a failure, e.g.
    sim-rate-limited; POST /control asks for one whatever the key; GET /control/seen shows what came.
    """
    from app.simulator.simulator import Simulator  # noqa: PLC0415 - the other commands start faster without it

    with listening(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        simulator = Simulator(url=f"http://{shown}:{listener.getsockname()[1]}", takes_s=takes_s)
        asyncio.run(_serve(simulator, listener))


async def _serve(simulator: "Simulator", listener: socket.socket) -> None:
    from app.simulator.server import Server  # noqa: PLC0415 - the same

    server = Server(simulator)

    def stop() -> None:
        server.should_exit = True
        simulator.release()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    simulator.started()
    click.echo(f"Simulated providers are ready at {simulator.url}")
    for name, value in {**simulator.settings, **simulator.store_settings()}.items():
        click.echo(f"  {name}={value}")
    await server.serve(sockets=[listener])
