"""When a failed generation is tried again: the engine's own decision, taken nowhere else."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from app.generations.attempts import Failure, Outcome
from app.generations.model import Generation

_LOST_AT_MOST = 5
_OURS = frozenset({Outcome.LEASE_LOST, Outcome.GIVEN_BACK})
"""Interruptions: the work itself did not fail."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter.

    `attempts`: how many may fail; `within_s`: how many seconds there are for all of them, from when the first began;
    `first_s` and `longest_s` bound the waits in seconds. After an interruption that was ours (its worker was lost or
    stopped) the time begins anew with the next attempt: an hour's maintenance fails nobody's work.
    """

    attempts: int = 4
    within_s: float = 900
    first_s: float = 1
    longest_s: float = 60

    def delay_s(self, generation: Generation, failure: Failure, now: datetime) -> float | None:
        """Seconds until the next attempt, null when there is none: it is not worth it, or all are used up.

        The attempt that failed is the generation's last one, and is not closed yet. One that could send nothing to a
        provider that is away has cost nothing: only the time limits those. A wait that the provider asks for is never
        shortened.
        """
        *earlier, _ = generation.attempts
        failed = [attempt.sent for attempt in earlier if attempt.outcome is Outcome.FAILED] + [failure.sent]
        counted = sum(failed)
        if not failure.retryable or counted >= self.attempts:
            return None
        backoff_s = min(self.longest_s, self.first_s * 2 ** (len(failed) - 1)) * random.uniform(0.5, 1)  # noqa: S311 - keeps retries apart, no secret
        delay_s = max(backoff_s, failure.retry_after_s or 0)
        return delay_s if now + timedelta(seconds=delay_s) <= self.ends_at(generation) else None

    def ends_at(self, generation: Generation) -> datetime:
        """When the time of a generation that was begun is over: none begins, and none waits for a provider, later."""
        began_at = generation.attempts[0].started_at
        for before, after in pairwise(generation.attempts):
            if before.outcome in _OURS:
                began_at = after.started_at
        return began_at + timedelta(seconds=self.within_s)

    def came_too_late(self, generation: Generation) -> Failure | None:
        """The last attempt's failure, if the one that has just been claimed begins after the time is over; else null.

        It was to begin in time, but nobody heard its ring: all workers were busy or away.
        """
        *earlier, latest = generation.attempts
        if not earlier or latest.started_at <= self.ends_at(generation):
            return None
        last = earlier[-1]
        if last.code is None or last.message is None:
            return None
        return Failure(code=last.code, message=last.message, retryable=True, sent=last.sent)


def lost_too_often(generation: Generation) -> bool:
    """Whether so many workers died over it that it must be the cause."""
    return sum(attempt.outcome is Outcome.LEASE_LOST for attempt in generation.attempts) >= _LOST_AT_MOST
