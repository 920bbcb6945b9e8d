"""The server process: its socket, its banner, uvicorn's settings."""

import asyncio
import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import override

import click
import uvicorn
import uvloop
from starlette.types import ASGIApp

from app.api.streams import Streams
from app.bootstrap.parts import Parts, assemble
from app.bootstrap.process import working
from app.bootstrap.settling import settle
from app.generations.followers import Followers
from app.logs import configure_logs
from app.main import WEB_DIST, build
from app.patience import Http, Sockets
from app.settings import Settings
from app.simulator.thread import simulated_if_asked
from app.stopping import Told, drained, leave_if_told

_BACKLOG = 2048
_LAST_ANSWERS_S = 1
"""For requests in the middle, and for clients that are slow to read; uvicorn takes whole seconds."""
_LAST_EVENTS_S = 1.5
_LOOK_S = 0.01
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_WEBSOCKET_MAX_BYTES = 262_144


class AddressInUseError(OSError):
    """Nothing can listen at HOST and PORT; the message says what to do."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        AddressInUseError: the port is taken, or the address is not this machine's.
        DatabaseError: there is no database to work on.
        SecretFileError: a secret's file can't be trusted.
        SettingsError: the providers are to be simulated, and a real key is set.
    """
    configure_logs(as_json=settings.app_env == "production", level=settings.log_level)
    listener = _listen(settings.host, settings.port)
    with simulated_if_asked(settings) as settings_in_use:
        parts = assemble(settings_in_use)
        leave_if_told()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(parts, listener))


async def _serve(parts: Parts, listener: socket.socket) -> None:
    """Serve; once told to stop, keep answering until the work is drained, and let each stream end with its last event.

    The order matters: who follows work that is given back hears of it before the sockets close with 1012 and the
    streams are cut.
    """
    told, streams = Told(), Streams()
    async with working(parts) as process:
        application = build(parts, process.connection.ping, is_stopping=told.once.is_set, streams=streams)
        server = Server(server_config(parts.settings, application))
        told.listen(process.grace_s)
        settle()
        _say_what_runs(parts, listener.getsockname()[1])
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listener]))
            await told.once.wait()
            await drained(process, told)
            if await process.give_back():
                await _events_sent(parts.hub.followers)
            streams.cut()
            server.should_exit = True


async def _events_sent(followers: Followers) -> None:
    """Return when every stream has sent the events there are, after 1.5 seconds at the latest."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_EVENTS_S):
            while not followers.idle:  # noqa: ASYNC110 - all of very many, once in a process's life
                await asyncio.sleep(_LOOK_S)


class Server(uvicorn.Server):
    """uvicorn, stopped by nobody but us."""

    @contextmanager
    @override
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield


def server_config(settings: Settings, application: ASGIApp) -> uvicorn.Config:
    """Uvicorn's settings."""
    return uvicorn.Config(
        application,
        http=Http,
        ws=Sockets,
        ws_max_size=_WEBSOCKET_MAX_BYTES,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="off",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )


def _say_what_runs(parts: Parts, port: int) -> None:
    settings = parts.settings
    for name, description in parts.description().items():
        click.echo(f"  {name + ':':<10} {description}")
    if settings.simulate:
        click.echo("  simulated: no provider is called, and what is made says nothing about any (SIMULATE=1)")
    for name in settings.placeholders():
        click.echo(f"  {name} holds a placeholder, not a real value; it counts as unset")
    if settings.host not in _LOOPBACK and "allowed_hosts" not in settings.model_fields_set:
        click.echo(f"  only requests for {', '.join(settings.allowed_hosts)} are answered: set ALLOWED_HOSTS for more")
    click.echo(f"Regen is ready at {_explorer(settings, port)}")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} of {host} is in use: stop what uses it, or choose another with PORT={port + 1}."
        else:
            message = f"Can't listen at {host} port {port} ({error.strerror}): choose others with HOST=… PORT=…"
        raise AddressInUseError(message) from None
    return listener


def _explorer(settings: Settings, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    where = settings.public_url or f"http://{host}:{port}"
    if not settings.explorer:
        return f"{where}/graphql (the explorer is off)"
    built = "" if WEB_DIST.exists() else " (the explorer is not built: run `make run` once)"
    return f"{where}/graphql{built}"
