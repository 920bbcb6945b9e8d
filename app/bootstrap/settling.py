"""What a process does once it is put together and open, before it takes its first request."""

import gc


def settle() -> None:
    """Keep what start-up made out of every later collection, and collect less often: pauses reach subscribers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
