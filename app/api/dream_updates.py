"""A dream followed live."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Self

import strawberry

from app.access import own
from app.api.context import Info, viewer
from app.api.dreams import TYPE_NAME, Dream
from app.api.ids import document_id
from app.api.told import Telling, told
from app.dreams import following
from app.dreams import model as stored
from app.errors import not_found
from app.generations.desks import RelayTo

_DreamId = Annotated[strawberry.ID, strawberry.argument(description="The id of a `Dream` of yours.")]


@strawberry.type(description="How a dream stands now.")
class DreamUpdate:
    """Each is whole in itself: after a cut connection the first one brings all that was missed."""

    dream: Dream = strawberry.field(description="The dream as it is now.")
    narrative: str | None = strawberry.field(
        description="While its interpretation is being written: the narrative as far as it goes. Each takes the place "
        "of the one before. Null while nothing is being written, and once `dream.interpretation` is there."
    )

    @classmethod
    def of(cls, news: following.DreamNews) -> Self:
        """The message."""
        return cls(dream=Dream.of(news.dream), narrative=news.narrative)


@strawberry.type
class DreamSubscription:
    """Fields of the subscription root."""

    @strawberry.subscription
    async def dream_updates(self, info: Info, dream_id: _DreamId) -> AsyncGenerator[DreamUpdate]:
        """One of the viewer's dreams, then each change of it, until you stop: nobody has to poll.

        The narrative comes while it is written, then the interpretation, then the picture. What you change yourself,
        on whatever device, is told too: its words, a version put back, the trash. It ends when the dream is deleted
        for ever. For stages and previews follow its `generation`, or everything with `viewerEvents`.
        """
        who, identity = viewer(info), document_id(dream_id, TYPE_NAME, "dreamId")
        if own(who.user_id, (await stored.Dream.by_ids([identity])).get(identity)) is None:
            raise not_found("This dream", "dreamId")
        hub = info.context.services.generations.hub

        def follow(relay: RelayTo[following.Desk] | None) -> AsyncGenerator[following.DreamNews]:
            return following.updates(hub, who.user_id, identity, relay)

        telling = Telling(follow, following.foretelling, DreamUpdate.of)
        async with aclosing(told(info, telling)) as events:
            async for event in events:
                yield event
