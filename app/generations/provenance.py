"""How a picture was made, as it is told outside of this server: a generation without what only its engine needs."""

from datetime import UTC, datetime
from typing import Annotated, Final, Self

from beanie import PydanticObjectId
from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app.costs.usage import Unit
from app.database.document import Instant, StoredValue
from app.errors import ErrorCode
from app.generations import attempts as stored
from app.generations.attempts import Outcome
from app.generations.model import Generation
from app.generations.recipe import UsedTemplate

_ATTEMPTS_MAX: Final = 100
_CALLS_MAX: Final = 200
_FIRST_YEAR, _LAST_YEAR = 2000, 2199


def _plausible(moment: datetime) -> datetime:
    """In UTC: a database can't keep every moment that one can write down."""
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        message = f"a moment from {_FIRST_YEAR} to {_LAST_YEAR}"
        raise ValueError(message)
    return moment.astimezone(UTC)


type Moment = Annotated[Instant, AfterValidator(_plausible)]
"""One that may come from another server."""
type _Name = Annotated[str, Field(max_length=200)]
type _Key = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,49}$")]
type _Text = Annotated[str, Field(max_length=2_000)]
type _Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
type _Count = Annotated[int, Field(ge=0, le=10**15)]
type _Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]


class _Told(StoredValue):
    """What may come from another server, too: nothing but the fields that are named, none of them too long."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class ToldAttempt(_Told):
    """One try of a worker; `code` says why it failed."""

    number: _Count
    started_at: Moment
    ended_at: Moment | None
    outcome: Outcome | None
    code: ErrorCode | None

    @classmethod
    def of(cls, attempt: stored.Attempt) -> Self:
        """What is told of it."""
        return cls(
            number=attempt.number,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            outcome=attempt.outcome,
            code=attempt.code,
        )


class ToldCall(_Told):
    """One call to a provider, with what it used; `cost` is in micros, null when nobody knows."""

    number: _Count
    attempt: _Count
    provider: _Name
    model: _Name
    started_at: Moment
    ended_at: Moment | None
    outcome: Outcome | None
    code: ErrorCode | None
    maybe_billed: bool
    provider_request_id: _Name | None
    usage: dict[Unit, _Count]
    cost: _Count | None
    currency: _Name | None

    @classmethod
    def of(cls, call: stored.Call) -> Self:
        """What is told of it."""
        request_id = call.provider_request_id
        return cls(
            number=call.number,
            attempt=call.attempt,
            provider=call.provider,
            model=call.model,
            started_at=call.started_at,
            ended_at=call.ended_at,
            outcome=call.outcome,
            code=call.code,
            maybe_billed=call.maybe_billed,
            provider_request_id=request_id[:200] if request_id else None,
            usage=dict(call.usage),
            cost=call.charged,
            currency=call.currency,
        )


class ToldTemplate(_Told):
    """The saved prompt that the latest wish came from, where it was made."""

    template_id: PydanticObjectId
    revision: _Revision

    @classmethod
    def of(cls, used: UsedTemplate) -> Self:
        """What is told of it."""
        return cls(template_id=used.template_id, revision=used.revision)


class Provenance(_Told):
    """The recipe and what came of it; its prompts stand in what it made.

    `id` is the generation's. `pictures` are the hashes of those that the model got, in order. Of attempts and calls,
    the last ones are told where there were very many.
    """

    id: PydanticObjectId
    task: _Name
    provider: _Name
    model: _Name
    parameters: Annotated[dict[_Key, _Text], Field(max_length=20)]
    template: ToldTemplate | None
    pictures: Annotated[tuple[_Hash, ...], Field(max_length=50, fail_fast=True)]
    requested_at: Moment
    ended_at: Moment | None
    attempts: Annotated[tuple[ToldAttempt, ...], Field(max_length=_ATTEMPTS_MAX, fail_fast=True)]
    calls: Annotated[tuple[ToldCall, ...], Field(max_length=_CALLS_MAX, fail_fast=True)]

    @classmethod
    def of(cls, generation: Generation) -> Self:
        """What is told of it."""
        recipe = generation.recipe
        return cls(
            id=generation.identity,
            task=recipe.task,
            provider=recipe.provider,
            model=recipe.model,
            parameters=recipe.parameters,
            template=ToldTemplate.of(recipe.template) if recipe.template else None,
            pictures=tuple(picture.sha256 for picture in recipe.pictures),
            requested_at=generation.created_at,
            ended_at=generation.ended_at,
            attempts=tuple(ToldAttempt.of(one) for one in generation.attempts[-_ATTEMPTS_MAX:]),
            calls=tuple(ToldCall.of(one) for one in generation.calls[-_CALLS_MAX:]),
        )
