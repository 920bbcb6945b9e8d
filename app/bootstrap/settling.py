"""What a process does once it is put together and open, before it takes its first request."""

import ctypes
import gc
import sys
from contextlib import suppress

_SWITCH_S = 0.001
"""A fifth of Python's own: the loop gets the interpreter back sooner from the threads that work on pictures."""
_MMAP_THRESHOLD, _LARGE_BYTES = -3, 1 << 20
"""See mallopt(3)."""


def settle() -> None:
    """Take care that little stands between the loop and its next turn: pauses reach subscribers.

    What start-up made is kept out of every later collection, and less is collected.
    """
    sys.setswitchinterval(_SWITCH_S)
    _map_large_memory()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _map_large_memory() -> None:
    """Get the memory of pictures from the system and give it back at once, where the C library is glibc.

    Else it keeps what was freed, and Pillow overwrites 50 MB of it with zeros for the next picture: for up to 25 ms,
    in which no other thread runs. What comes from the system is zero.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
