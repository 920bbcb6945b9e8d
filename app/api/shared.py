"""What a subscription follows, live: with all others who follow the same, where it goes out by a transport of ours."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from beanie import PydanticObjectId
from graphql.execution import Executor

from app.api.context import Context, Info, viewer
from app.api.sharing.groups import Group, Member, Seeing
from app.api.sharing.keys import Key
from app.api.sharing.payloads import executed
from app.generations.followers import News, Relay


@dataclass(frozen=True, slots=True)
class Live[T]:
    """What is followed: its events as they are shown.

    `follow` begins it, and leaves out what the relay hands on, which is `show`n the same way. `seeing` says which of
    some users still may; null for what is the viewer's own. `resumed_by` names the argument that says where to begin.
    """

    follow: Callable[[Relay | None], AsyncGenerator[T]]
    show: Callable[[News], T]
    resumed_by: str
    seeing: Seeing | None = None


async def followed[T](info: Info, live: Live[T]) -> AsyncGenerator[T]:
    """What happens, until it ends; what a group hands on in the meantime does not come here."""
    async with _in_group(info, live) as member, aclosing(live.follow(member.relay if member else None)) as events:
        async for event in events:
            if member is None:
                yield event
                continue
            await member.outlet.drained()
            yield event
            member.has_begun = True
        if member is not None:
            await member.outlet.drained()


def _in_group[T](info: Info, live: Live[T]) -> AbstractAsyncContextManager[Member | None]:
    """While entered, a member of the group of those who follow the same; null where nothing is shared."""
    context = info.context
    groups, outlet = context.edge.groups, context.outlet
    if groups is None or outlet is None or outlet.executor is None:
        return nullcontext()
    who, executor, of_viewer = viewer(info), outlet.executor, live.seeing is None
    key = Key.of(executor, live.resumed_by, who.user_id, context.base_url, of_viewer=of_viewer)

    def make() -> Group:
        seen_by = None if key.viewer_id is None else who
        of_group = replace(context, viewer=seen_by, outlet=None, connection_params=None)
        return Group(execution(of_group, executor, live.show), live.seeing or _all, _clock(context))

    return groups.joined(key, make, outlet, who.user_id)


def execution[T](
    context: Context, executor: Executor[Any], show: Callable[[T], object]
) -> Callable[[T], Awaitable[str | None]]:
    """Executes events for a group, each with loaders of its own; nothing of the member that began it is kept."""

    async def execute(event: T) -> str | None:
        fresh = copy(executor)
        fresh.context_value = context.of_operation()
        return await executed(fresh, show(event))

    executor = copy(executor)
    executor.context_value = None
    return execute


def _clock(context: Context) -> Callable[[], datetime]:
    return context.services.generations.clock.now


async def _all(viewer_ids: frozenset[PydanticObjectId]) -> frozenset[PydanticObjectId]:
    return viewer_ids
