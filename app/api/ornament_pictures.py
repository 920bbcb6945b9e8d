"""The pictures of an ornament image: what was made, and what it was made from."""

import strawberry

from app.api import walking
from app.api.at_hand import NOTHING_AT_HAND, AtHand
from app.api.context import Info
from app.api.derived import often_ready
from app.api.pictures import Picture, pictures_of
from app.ornaments.asked import Role
from app.ornaments.model import OrnamentImage as Stored


@strawberry.type
class OrnamentPictures:
    """Fields of an ornament image."""

    document: strawberry.Private[Stored]

    at_hand: strawberry.Private[AtHand[Stored]] = NOTHING_AT_HAND

    picture: Picture | None = often_ready(
        walking.picture, walking.ready_picture, "The picture that was made; null when it is gone."
    )

    @strawberry.field
    async def uploaded_picture(self, info: Info) -> Picture | None:
        """The photo of the ornament that the root was made from, the first of several; null when it is gone."""
        return next(iter(await self._sources(info, Role.ORNAMENT)), None)

    @strawberry.field
    async def ornament_pictures(self, info: Info) -> list[Picture]:
        """The photos of ornaments that the root was made from, in their order."""
        return await self._sources(info, Role.ORNAMENT)

    @strawberry.field
    async def model_picture(self, info: Info) -> Picture | None:
        """The photo of the person who wears the ornament; null without one."""
        return next(iter(await self._sources(info, Role.MODEL)), None)

    @strawberry.field
    async def pose_picture(self, info: Info) -> Picture | None:
        """The picture of the pose that was asked for; null without one."""
        return next(iter(await self._sources(info, Role.POSE)), None)

    @strawberry.field
    async def theme_pictures(self, info: Info) -> list[Picture]:
        """The pictures of the campaign's theme, in their order."""
        return await self._sources(info, Role.THEME)

    @strawberry.field
    async def background_picture(self, info: Info) -> Picture | None:
        """The picture of the background that was asked for; null without one."""
        return next(iter(await self._sources(info, Role.BACKGROUND)), None)

    async def _sources(self, info: Info, role: Role) -> list[Picture]:
        ids = [source.picture_id for source in self.document.sources if source.role is role]
        return await pictures_of(info, ids, self.at_hand.pictures)
