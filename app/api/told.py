"""What a subscription's desk tells: with those of all others who follow the same, by a transport of ours."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from app.api.context import Info, viewer
from app.api.shared import execution
from app.api.sharing.circles import Circle, Listener
from app.api.sharing.keys import Key
from app.generations.desks import Desk, Look, RelayTo


@dataclass(frozen=True, slots=True)
class Telling[D: Desk[Any], T]:
    """What is followed: what its desk tells, as it is shown.

    `follow` begins it, and leaves out what the relay tells, after a `look` for many desks. `resumed_by` names the
    argument that says where to begin, if there is one; `of_viewer`: it is the viewer's own.
    """

    follow: Callable[[RelayTo[D] | None], AsyncGenerator[T]]
    look: Look[D, T]
    show: Callable[[T], object]
    resumed_by: str = ""
    of_viewer: bool = True


async def told[D: Desk[Any], T](info: Info, telling: Telling[D, T]) -> AsyncGenerator[Any]:
    """What happens, until it ends, as it is shown; what a circle tells in the meantime does not come here."""
    async with (
        _in_circle(info, telling) as listener,
        aclosing(telling.follow(listener.relay if listener else None)) as events,
    ):
        async for event in events:
            if listener is not None:
                await listener.outlet.drained()
            yield telling.show(event)
            if listener is not None:
                listener.has_begun = True
        if listener is not None:
            await listener.outlet.drained()


def _in_circle[D: Desk[Any], T](
    info: Info, telling: Telling[D, T]
) -> AbstractAsyncContextManager[Listener[D, T] | None]:
    """While entered, one more in the circle of those who follow the same; null where nothing is shared."""
    context = info.context
    groups, outlet = context.edge.groups, context.outlet
    if groups is None or outlet is None or outlet.executor is None:
        return nullcontext()
    who, executor = viewer(info), outlet.executor
    key = Key.of(executor, telling.resumed_by, who.user_id, context.base_url, of_viewer=telling.of_viewer)

    def make() -> Circle[D, T]:
        seen_by = None if key.viewer_id is None else who
        of_circle = replace(context, viewer=seen_by, outlet=None, connection_params=None)
        return Circle(telling.look, execution(of_circle, executor, telling.show))

    return groups.circles.joined(key, make, outlet, who.user_id)
