"""When a failed generation is tried again: the engine's own decision, taken nowhere else."""

import random
from dataclasses import dataclass
from datetime import datetime

from app.generations.attempts import Failure, Outcome
from app.generations.model import Generation

_LOST_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter.

    `attempts`: how many may fail; `within_s`: no attempt begins later than this after the first one began;
    `first_s` and `longest_s` bound the waits in seconds.
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
        passed_s = (now - generation.attempts[0].started_at).total_seconds()
        return delay_s if passed_s + delay_s <= self.within_s else None


def lost_too_often(generation: Generation) -> bool:
    """Whether so many workers died over it that it must be the cause."""
    return sum(attempt.outcome is Outcome.LEASE_LOST for attempt in generation.attempts) >= _LOST_AT_MOST
