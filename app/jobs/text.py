"""What `regen jobs` shows, as aligned text for people."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from app.api.ids import GENERATION, global_id
from app.generations.attempts import Attempt, Call, Lease
from app.generations.events import GenerationEvent
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.jobs.desk import Overview
from app.jobs.queries import Standing

_HEAD = ("ID", "STATUS", "STAGE", "KIND", "OWNER", "AGE", "ATTEMPTS", "CODE")
_PROMPT_CHARACTERS = 200
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_MANY = 2


def listing(found: Iterable[tuple[Generation, str]], now: datetime) -> str:
    """A line each, under a heading."""
    return table([_HEAD, *(_line(generation, owner, now) for generation, owner in found)])


def page(standing: Standing) -> str:
    """One with all that is kept of it."""
    generation, owner, now = standing
    tables = {
        "attempts": [_attempt(one) for one in generation.attempts],
        "calls": [_call(one) for one in generation.calls],
        "events": [_event(one) for one in generation.events],
    }
    lines = [table(_facts(generation, owner, now))]
    for name, rows in tables.items():
        lines += [name, *(f"  {line}" for line in table(rows).splitlines())] if rows else [f"{name}  none"]
    return "\n".join(lines)


def summary(overview: Overview) -> str:
    """How all of them stand."""
    rows = [(status.value, str(count)) for status, count in overview.counts.items()]
    longest = max(overview.lanes, default=0)
    lanes = f"{len(overview.lanes)} owners with {sum(overview.lanes)} open, at most {longest} of one"
    rows.append(("lanes", lanes))
    rows.append(("draining", "yes: nothing new is begun, until `regen jobs resume`" if overview.draining else "no"))
    rows += [("worker", f"{worker}, {count} running") for worker, count in sorted(overview.workers.items())]
    return table(rows)


def age(passed: timedelta) -> str:
    """In the largest unit of which there are two: 119 s, 2 min, 47 h."""
    seconds = max(0, int(passed.total_seconds()))
    for size, unit in _UNITS:
        if seconds >= _MANY * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as what stands in them; the last one is not filled up."""
    width = max((len(row) for row in rows), default=0)
    columns = [max(len(row[index]) for row in rows if index < len(row)) for index in range(width)]
    lines = ("  ".join(text.ljust(size) for text, size in zip(row, columns, strict=False)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _line(generation: Generation, owner: str, now: datetime) -> tuple[str, ...]:
    stage = f"{generation.stage} {generation.percent} %" if generation.stage else f"{generation.percent} %"
    return (
        str(generation.identity),
        generation.status,
        stage,
        generation.kind,
        owner or "(erased)",
        age(now - generation.created_at),
        str(len(generation.attempts)),
        generation.failure.code if generation.failure else "-",
    )


def _facts(generation: Generation, owner: str, now: datetime) -> list[tuple[str, str]]:
    stage = f", {generation.stage} {generation.percent} %" if generation.stage else ""
    facts = [
        ("id", f"{generation.identity} ({global_id(GENERATION, generation.identity)})"),
        ("status", generation.status + stage),
        ("owner", f"{owner or '(erased)'} ({generation.owner_id})"),
        ("created", f"{_moment(generation.created_at)}, {age(now - generation.created_at)} ago"),
        ("recipe", _recipe(generation.kind, generation.recipe)),
        ("prompt", _shortened(" | ".join(generation.recipe.prompts))),
        ("lease", _lease(generation.lease, now)),
    ]
    if generation.retry_of:
        facts.append(("retry of", str(generation.retry_of)))
    if generation.not_before:
        facts.append(("not before", _moment(generation.not_before)))
    if generation.cancel_requested_at:
        facts.append(("cancelled", f"asked for at {_moment(generation.cancel_requested_at)}"))
    if generation.ended_at:
        facts.append(
            ("ended", _moment(generation.ended_at) + ("" if generation.settled else ", result not yet written"))
        )
    if failure := generation.failure:
        again = "retryable" if failure.retryable else "not retryable"
        facts.append(("failure", f"{failure.code}, {again}: {failure.message}"))
    return facts


def _recipe(kind: str, recipe: Recipe) -> str:
    more = ", ".join(f"{name} {value}" for name, value in recipe.parameters.items())
    return f"{kind} {recipe.task}, {recipe.provider} {recipe.model}, pictures: {len(recipe.pictures)}; {more}"


def _lease(lease: Lease | None, now: datetime) -> str:
    if lease is None:
        return "nobody works on it"
    rest_s = (lease.until - now).total_seconds()
    return f"{lease.worker}, " + (f"held for {rest_s:.1f} s more" if rest_s > 0 else f"lost {-rest_s:.1f} s ago")


def _attempt(attempt: Attempt) -> tuple[str, ...]:
    said = f"{attempt.code}: {attempt.message}" if attempt.code else ""
    return (str(attempt.number), attempt.worker, *_span(attempt.started_at, attempt.ended_at, attempt.outcome), said)


def _call(call: Call) -> tuple[str, ...]:
    said = [call.code or "", "maybe billed" if call.maybe_billed else "", call.provider_request_id or ""]
    span = _span(call.started_at, call.ended_at, call.outcome)
    who = f"{call.provider} {call.model}"
    return (str(call.number), f"attempt {call.attempt}", who, *span, ", ".join(filter(None, said)))


def _event(event: GenerationEvent) -> tuple[str, ...]:
    return (
        str(event.sequence),
        _moment(event.at),
        event.type,
        f"attempt {event.attempt}",
        event.stage or "",
        f"{event.percent} %",
        event.message or "",
    )


def _span(started_at: datetime, ended_at: datetime | None, outcome: str | None) -> tuple[str, str, str]:
    took = f"{(ended_at - started_at).total_seconds():.1f} s" if ended_at else "..."
    return _moment(started_at), took, outcome or "runs"


def _moment(moment: datetime) -> str:
    return moment.isoformat(" ", "milliseconds").replace("+00:00", "Z")


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _PROMPT_CHARACTERS else text[:_PROMPT_CHARACTERS] + "..."
