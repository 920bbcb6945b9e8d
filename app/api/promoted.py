"""Which version of a tree is the chosen one."""

from typing import Any

import strawberry
from strawberry.utils.await_maybe import await_maybe

from app.api.context import Info
from app.api.walking import Walked, relative
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


async def promoted_version(image: strawberry.Parent[Walked[Stored]], info: Info) -> Any:
    """The chosen version of this image's tree, which may be in the trash; null when none was chosen, or is left."""
    promotion = await info.context.loaders.promotions.load(image.document.lineage.root_id)
    return await await_maybe(relative(image, info, promotion.version_id)) if promotion else None
