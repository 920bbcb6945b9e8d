"""Who decides how calls end, keeps what came, and can stop calls in the middle."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.simulator.call import Asked, Call, prompt_hash
from app.simulator.scenario import Operation, Provider, Scenario, asked_by_key

_KEPT = 5000
_WITHIN_S = 30.0


@dataclass(eq=False, kw_only=True)
class Desk:
    """Steered from any thread, asked from the server's.

    `takes_s` is how long a picture or a text takes, `slow_s` how long in the scenario `slow`, `trickle_s` after
    which time a trickle breaks off. `calls` are the latest 5,000. `disconnected` are the numbers of the calls whose
    client went away, `answered` of those that had all of their answer.
    """

    takes_s: float = 0.0
    slow_s: float = 120.0
    trickle_s: float = 120.0
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=_KEPT))
    answered: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    disconnected: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    came: int = 0
    most_in_flight: int = 0
    _under_way: set[Call] = field(default_factory=set[Call])
    _next: dict[Provider, deque[Scenario]] = field(default_factory=dict[Provider, deque[Scenario]])
    _usual: dict[Provider, Scenario] = field(default_factory=dict[Provider, Scenario])
    _held_after: int | None = None
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def in_flight(self) -> int:
        """How many calls came and have not ended."""
        return len(self._under_way)

    def hold(self, after: int = 0) -> None:
        """From now on calls come in and wait, each once it has sent so many pieces of its answer.

        A piece is an event of a stream, or a whole answer that is none; 0 stops before the first byte.
        """
        self._held_after = after
        if self._loop is not None:  # in turn with a release that is under way
            self._loop.call_soon_threadsafe(self._open.clear)
        else:
            self._open.clear()

    def release(self) -> None:
        """Let those that wait go on, and the ones to come."""
        self._held_after = None
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._open.set)

    def then(self, provider: Provider, *scenarios: Scenario) -> None:
        """How the provider's next calls end, one each, whatever their key; after them as before."""
        with self._changed:
            self._next.setdefault(provider, deque()).extend(scenarios)

    def always(self, provider: Provider, scenario: Scenario | None = None) -> None:
        """How the provider's calls end from now on, whatever their key; null: as their key says."""
        with self._changed:
            self._usual.pop(provider, None)
            if scenario is not None:
                self._usual[provider] = scenario

    def reset(self) -> None:
        """Forget what came and what was said; what waits goes on."""
        with self._changed:
            for kept in (self.calls, self.answered, self.disconnected, self._next, self._usual):
                kept.clear()
            self.came = 0
            self.most_in_flight = self.in_flight
        self.release()

    async def until(self, condition: Callable[["Desk"], bool], within_s: float = _WITHIN_S) -> None:
        """Wait until it holds: `await simulator.until(lambda seen: seen.in_flight == 3)`.

        Raises:
            AssertionError: it didn't in time.
        """

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(lambda: condition(self), within_s)

        if not await asyncio.to_thread(wait):
            message = (
                f"not in {within_s:g} s: {self.came} calls, {self.in_flight} in flight, "
                f"{len(self.answered)} answered, {len(self.disconnected)} disconnected"
            )
            raise AssertionError(message)

    def started(self) -> None:
        """In the server's own thread, before the first call."""
        self._loop = asyncio.get_running_loop()
        self._open.set()

    def taken(self, asked: Asked, operation: Operation, path: str, headers: Mapping[str, str]) -> Call:
        """Note a call that came; it is in flight until `answered_all` or `left`."""
        provider = operation.provider
        with self._changed:
            self.came += 1
            call = Call(
                self.came,
                time.monotonic(),
                provider,
                operation,
                path,
                asked.model,
                asked.prompt,
                prompt_hash(asked.prompt),
                asked.instructions,
                asked.references,
                asked.subject,
                headers,
                self._scenario(provider, asked.key),
            )
            self.calls.append(call)
            self._under_way.add(call)
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self._changed.notify_all()
        return call

    def answered_all(self, call: Call) -> None:
        """The last of its answer is on its way."""
        self._over(call, self.answered)

    def left(self, call: Call) -> None:
        """Its client went away, if not all of its answer was on its way before."""
        self._over(call, self.disconnected)

    async def pass_gate(self, sent: int) -> None:
        """Wait while calls are held that have sent so many pieces."""
        held_after = self._held_after
        if held_after is not None and sent >= held_after:
            await self._open.wait()

    def _over(self, call: Call, among: deque[int]) -> None:
        with self._changed:
            if call in self._under_way:
                self._under_way.remove(call)
                if call in self.calls:  # and not forgotten by a reset
                    among.append(call.number)
                self._changed.notify_all()

    def _scenario(self, provider: Provider, key: str) -> Scenario:
        if coming := self._next.get(provider):
            return coming.popleft()
        return self._usual.get(provider) or asked_by_key(key)
