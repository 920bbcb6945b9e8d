"""Counters of one process; those over Redis keep the same contract in tests/contract/test_counters.py."""

from app.accounts.counters import Counters


async def test_counters_that_have_ended_are_thrown_away() -> None:
    counters = Counters()
    for number in range(5_000):
        await counters.incr(f"short {number}", 0)
    await counters.incr("long", 60)
    assert (await counters.reset() or 0) <= 1_001
