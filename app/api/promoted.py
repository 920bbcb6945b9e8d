"""Whether an image is the chosen version of its tree."""

import strawberry

from app.api.context import Info
from app.ornaments.model import OrnamentImage as Stored


@strawberry.type
class Promotable:
    """Fields of an ornament image."""

    document: strawberry.Private[Stored]

    @strawberry.field
    async def promoted(self, info: Info) -> bool:
        """Whether it is the chosen version of its tree: `promoteImage` chooses."""
        promotion = await info.context.loaders.promotions.load(self.document.lineage.root_id)
        return promotion is not None and promotion.version_id == self.document.identity
