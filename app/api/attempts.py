"""What the tries of a generation left behind, as clients see it: attempts, and the calls that they made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry

from app.api.costs import CallUsage, Cost, cost_of
from app.api.enums import ErrorCode, Outcome
from app.generations import attempts as stored


@strawberry.type(description="One call to a provider: an entry of the generation's ledger.")
class ProviderCall:
    """Shown from the document."""

    number: int = strawberry.field(
        description="Counts inside the generation; 1 for the first. One that is missing is of a call that was not made."
    )
    provider: str = strawberry.field(description="Who was called: `gemini`, `local`.")
    model: str = strawberry.field(description="The model, as the provider calls it.")
    started_at: datetime = strawberry.field(description="When it was made.")
    ended_at: datetime | None = strawberry.field(description="Null while it runs.")
    outcome: Outcome | None = strawberry.field(description="How it ended; null while it runs.")
    code: ErrorCode | None = strawberry.field(description="Why it failed; null unless it did.")
    maybe_billed: bool = strawberry.field(
        description="It was cut off: nobody here knows whether the provider takes money for it."
    )
    provider_request_id: str | None = strawberry.field(
        description="The provider's own id of the call, for its support; null when it gave none."
    )
    usage: CallUsage | None = strawberry.field(description="What it used; null while that is not known.")
    cost: Cost | None = strawberry.field(description="What it cost; null while it runs, and when nobody knows.")

    @classmethod
    def of(cls, call: stored.Call) -> Self:
        """The call of a document."""
        return cls(
            number=call.number,
            provider=call.provider,
            model=call.model,
            started_at=call.started_at,
            ended_at=call.ended_at,
            outcome=call.outcome,
            code=call.code,
            maybe_billed=call.maybe_billed,
            provider_request_id=call.provider_request_id,
            usage=CallUsage.of(call.usage),
            cost=cost_of(call),
        )


@strawberry.type(description="One try of a worker.")
class GenerationAttempt:
    """Shown from the document."""

    number: int = strawberry.field(description="1 for the first.")
    started_at: datetime = strawberry.field(description="When it was claimed.")
    ended_at: datetime | None = strawberry.field(description="Null while it runs.")
    outcome: Outcome | None = strawberry.field(description="How it ended; null while it runs.")
    code: ErrorCode | None = strawberry.field(description="Why it failed, for programs; null unless it did.")
    message: str | None = strawberry.field(description="Why it failed, for people; null unless it did.")
    maybe_billed: bool = strawberry.field(
        description="One of its calls was cut off: nobody here knows whether the provider takes money for it."
    )
    calls: list[ProviderCall] = strawberry.field(description="The calls to providers that it made, oldest first.")

    @classmethod
    def of(cls, attempt: stored.Attempt, ledger: Sequence[stored.Call]) -> Self:
        """The attempt of a document, with its own calls of the generation's ledger."""
        calls = [ProviderCall.of(call) for call in ledger if call.attempt == attempt.number]
        return cls(
            number=attempt.number,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            outcome=attempt.outcome,
            code=attempt.code,
            message=attempt.message,
            maybe_billed=any(call.maybe_billed for call in calls),
            calls=calls,
        )


def attempts_of(attempts: Sequence[stored.Attempt], ledger: Sequence[stored.Call]) -> list[GenerationAttempt]:
    """All of a generation, with its ledger."""
    return [GenerationAttempt.of(attempt, ledger) for attempt in attempts]
