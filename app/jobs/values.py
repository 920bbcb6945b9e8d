"""What `regen jobs` shows, as values for machines: names in camelCase, times in ISO 8601."""

from datetime import datetime
from typing import Any

from app.api.ids import GENERATION, global_id
from app.generations.model import Generation
from app.jobs.desk import Overview
from app.jobs.queries import Standing

type Value = dict[str, Any]


def in_short(generation: Generation, owner: str) -> Value:
    """A line of a list."""
    return {
        "id": str(generation.identity),
        "globalId": global_id(GENERATION, generation.identity),
        "status": generation.status,
        "stage": generation.stage,
        "percent": generation.percent,
        "kind": generation.kind,
        "owner": owner or None,
        "createdAt": generation.created_at.isoformat(),
        "attempts": len(generation.attempts),
        "code": generation.failure.code if generation.failure else None,
    }


def in_full(standing: Standing) -> Value:
    """One with all that is kept of it."""
    generation, owner, now = standing
    lease = generation.lease
    held = (
        {"worker": lease.worker, "remainingSeconds": round((lease.until - now).total_seconds(), 3)} if lease else None
    )
    return {
        **in_short(generation, owner),
        "ownerId": str(generation.owner_id),
        "recipe": generation.recipe.model_dump(mode="json", by_alias=True),
        "retryOf": str(generation.retry_of) if generation.retry_of else None,
        "resultId": str(generation.result_id),
        "settled": generation.settled,
        "lease": held,
        "notBefore": _iso(generation.not_before),
        "cancelRequestedAt": _iso(generation.cancel_requested_at),
        "endedAt": _iso(generation.ended_at),
        "failure": generation.failure.model_dump(mode="json", by_alias=True) if generation.failure else None,
        "attempts": [one.model_dump(mode="json", by_alias=True) for one in generation.attempts],
        "calls": [one.model_dump(mode="json", by_alias=True) for one in generation.calls],
        "events": [one.model_dump(mode="json", by_alias=True) for one in generation.events],
    }


def of_all(overview: Overview) -> Value:
    """How all of them stand."""
    return {
        "draining": overview.draining,
        "counts": dict(overview.counts),
        "lanes": {
            "owners": len(overview.lanes),
            "open": sum(overview.lanes),
            "longest": max(overview.lanes, default=0),
        },
        "workers": dict(overview.workers),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
