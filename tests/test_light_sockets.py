"""An application writes frames itself only while its socket is open."""

import asyncio
import socket

from starlette.types import Receive, Scope, Send
from uvicorn import Config
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from app.api.sharing.frames import offered, text_frame
from app.patience import Sockets
from tests.api.site import serving


async def test_frame_is_written_between_the_handshake_and_the_close_alone() -> None:
    told, over = list[bool](), asyncio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        write = offered(scope)
        assert write is not None
        told.append(write(text_frame(b"too early")))
        await receive()
        await send({"type": "websocket.accept"})
        told.append(write(text_frame(b"in time")))
        await send({"type": "websocket.close", "code": 1000})
        told.append(write(text_frame(b"too late")))
        await receive()
        over.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = Config(application, ws=Sockets, lifespan="off", log_config=None, ws_per_message_deflate=False)
        async with serving(config, listener):
            async with connect(f"ws://127.0.0.1:{listener.getsockname()[1]}") as connection:
                assert await connection.recv() == "in time"
                try:
                    await connection.recv()
                except ConnectionClosedOK as closed:
                    assert closed.rcvd is not None  # noqa: PT017 - what is said is seen after it, too
            async with asyncio.timeout(10):
                await over.wait()
    assert told == [False, True, False]


async def test_compressed_sockets_take_no_ready_frames() -> None:
    told = list[bool]()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        told.append(offered(scope) is None)
        await receive()
        await send({"type": "websocket.accept"})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = Config(application, ws=Sockets, lifespan="off", log_config=None, ws_per_message_deflate=True)
        async with serving(config, listener), connect(f"ws://127.0.0.1:{listener.getsockname()[1]}"):
            pass
    assert told == [True]
