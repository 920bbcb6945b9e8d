"""A chat followed live, by everybody who has its project open.

Its exchanges are always told as the database has them: an event only makes them be read. The events of the work on
them, and on the chat's images, are those of the generations themselves, in their order, without a hole and without a
double.
"""

from collections.abc import AsyncGenerator
from datetime import datetime
from functools import partial

from app.chats.desk import Desk
from app.chats.looking import Sight
from app.chats.news import ChatNews
from app.generations.desks import RelayTo
from app.generations.followers import Follower, News
from app.generations.ports import EventHub


async def events(
    hub: EventHub, sight: Sight, since: datetime | None, relay: RelayTo[Desk] | None = None
) -> AsyncGenerator[ChatNews]:
    """A SNAPSHOT of all that is under way or changed since then, and of the chat; then all that happens, live.

    It ends when the chat is gone, or who follows may see it no more. What the relay tells is left out.
    """
    async with hub.follow(sight.chat.owner_id, None) as follower:
        desk = Desk(follower, sight)
        if relay is not None:
            follower.relay = partial(_relayed, desk, relay)
        for told in await desk.standing(since):
            yield told
        if desk.is_over:
            return
        async for news in follower.news():
            for told in await desk.read(news):
                yield told
            if desk.is_over:
                return


def _relayed(desk: Desk, relay: RelayTo[Desk], _: Follower, news: News) -> bool:
    return relay(desk, news)
