"""What a process does once it is put together and open, before it takes its first request."""

import gc
import sys

_SWITCH_S = 0.001
"""A fifth of Python's own: the loop gets the interpreter back sooner from the threads that work on pictures."""


def settle() -> None:
    """Keep what start-up made out of every later collection, and collect less often: pauses reach subscribers."""
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
