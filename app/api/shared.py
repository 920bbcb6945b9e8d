"""What a subscription follows, live: with all others who follow the same, where it goes out by a transport of ours."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass
from typing import Any

from beanie import PydanticObjectId
from graphql.execution import Executor

from app.api.context import Context, Info, viewer
from app.api.sharing.groups import Group, Groups
from app.api.sharing.keys import Key
from app.api.sharing.outlets import Outlet
from app.api.sharing.payloads import executed
from app.generations.followers import News, Relay


@dataclass(frozen=True, slots=True)
class Live[T]:
    """What is followed: its events as they are shown.

    `follow` begins it, and leaves out what the relay hands on, which is `show`n the same way. `may_see` says of a user
    whether they still may; null for what is the viewer's own. `resumed_by` names the argument that says where to begin.
    """

    follow: Callable[[Relay | None], AsyncGenerator[T]]
    show: Callable[[News], T]
    resumed_by: str
    may_see: Callable[[PydanticObjectId], Awaitable[bool]] | None = None


async def followed[T](info: Info, live: Live[T]) -> AsyncGenerator[T]:
    """What happens, until it ends; what a group hands on in the meantime does not come here."""
    context = info.context
    outlet, groups = context.outlet, context.edge.groups
    if groups is None or outlet is None or outlet.executor is None:
        async with aclosing(live.follow(None)) as events:
            async for event in events:
                yield event
        return
    async with aclosing(_in_group(context, live, groups, outlet, outlet.executor, viewer(info).user_id)) as events:
        async for event in events:
            yield event


async def _in_group[T](
    context: Context,
    live: Live[T],
    groups: Groups,
    outlet: Outlet,
    executor: Executor[Any],
    viewer_id: PydanticObjectId,
) -> AsyncGenerator[T]:
    key = Key.of(executor, live.resumed_by, viewer_id, context.base_url, of_viewer=live.may_see is None)

    def make() -> Group:
        return _group_of(context, live, executor)

    async with (
        groups.joined(key, make, outlet, viewer_id) as member,
        aclosing(live.follow(member.relay)) as events,
    ):
        async for event in events:
            await outlet.drained()
            yield event
            member.has_begun = True
        await outlet.drained()


def _group_of[T](context: Context, live: Live[T], executor: Executor[Any]) -> Group:
    async def execute(news: News) -> str | None:
        fresh = copy(executor)
        fresh.context_value = context.of_operation()
        return await executed(fresh, live.show(news))

    async def seeing(viewer_ids: frozenset[PydanticObjectId]) -> frozenset[PydanticObjectId]:
        if live.may_see is None:
            return viewer_ids
        return frozenset([one for one in viewer_ids if await live.may_see(one)])

    return Group(execute, seeing, context.services.generations.clock.now)
