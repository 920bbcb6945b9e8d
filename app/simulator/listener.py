"""The socket that the stand-in listens on."""

import socket

_BACKLOG = 512


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0: any that is free.

    Raises:
        OSError: nothing can; the message says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        message = f"Can't listen at {host} port {port} ({error.strerror}): choose others with --host and --port."
        raise OSError(message) from None
    # Connections inherit it; asyncio sets it on none that comes from such a socket, and answers would wait 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
