"""How often templates were used: counted from the recipes themselves, so that each generation counts once."""

from collections.abc import Mapping, Sequence
from typing import Any

from beanie import PydanticObjectId

from app.generations.model import Generation


async def uses_of(template_ids: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, int]:
    """How many generations were started from each (400 at most); those that were never used are left out."""
    steps: list[Mapping[str, Any]] = [
        {"$match": {"recipe.template.templateId": {"$in": list(template_ids)}}},
        {"$group": {"_id": "$recipe.template.templateId", "number": {"$sum": 1}}},
    ]
    groups = await Generation.rows().aggregate(steps)
    return {group["_id"]: group["number"] async for group in groups}
