"""When an event is written counts for who looks for news, not when it happened."""

from datetime import timedelta
from functools import partial
from typing import Any

from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.database.document import utc_now
from app.generations.claims import claim
from app.generations.events import EventType, GenerationEvent
from app.generations.model import Generation
from app.generations.pen import Pen
from app.generations.recipe import Recipe
from tests.indexed import point_at


async def test_event_written_after_an_absence_is_among_the_latest_changes(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    await point_at(database, [Generation])
    recipe = Recipe(task="TEST", prompts=("a",), pictures=(), provider="test", model="test-1")
    an_hour_ago = utc_now() - timedelta(hours=1)
    first = Generation.queued(PydanticObjectId(), "TEST", recipe, "key", an_hour_ago)
    await Generation.start(first)
    claimed = await claim(first.identity, "w1", 30)
    assert claimed is not None
    before = utc_now() - timedelta(seconds=1)
    drafted = partial(GenerationEvent, type=EventType.STAGE, at=an_hour_ago)
    await Pen(claimed, 1).write({}, lambda sequence: drafted(sequence=sequence))
    (latest,) = await Generation.latest_since([first.owner_id], before)
    assert latest.sequence == 3
