"""Accounts are erased: durable work, done in rounds over what each feature registers.

The erasure's document comes first; then nobody can come in, and the user is gone. A round asks every eraser to erase
what there is. Whoever was in the middle of something meanwhile, a request or a worker, may still write what a round
has just looked for: so there are more of them, each after twice the time of the one before, until no writer is left
that could have begun before. A round that is cut off anywhere is done again, by any process.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from app.accounts.ended import Ended
from app.accounts.erasers import Eraser
from app.accounts.erasure import Erasure
from app.accounts.model import User
from app.database.clock import DatabaseClock
from app.errors import AppError
from app.logs import logger

_log = logger(__name__)
_LEARN_EVERY_S: Final = 2.0
_REMEMBERED: Final = timedelta(minutes=30)
"""Twice as long as an access token of ours lives; those of an outside issuer are looked up anew before that."""
_LONGEST_WITH_LEFT_S: Final = 300.0
LAST_WAIT_S: Final = 46_800.0
"""Before the last round. Leases, deadlines of calls and access tokens are over within minutes, an hour at most.

The waits before it take as long together: so an erasure is known for more than a day, as long as a token of an outside
issuer is good at most (`outside.tokens.MAX_AGE`).
"""


class Door(Protocol):
    """Where what owners start comes in."""

    async def close(self, owner_id: PydanticObjectId) -> None:
        """Let nothing more of that owner in, in any process; safe to repeat."""
        ...

    async def forget(self, owner_id: PydanticObjectId) -> None:
        """Remember nothing of that owner: nobody is left who could come."""
        ...


@dataclass(frozen=True, slots=True)
class Erasures:
    """Begins erasures, and goes on with them; `every_s` seconds are between the first rounds of one.

    A round that has taken `round_s` seconds is broken off, so that who has much does not hold up others.
    """

    door: Door
    erasers: Sequence[Eraser]
    clock: DatabaseClock = field(default_factory=DatabaseClock)
    every_s: float = 5
    round_s: float = 20
    erased: Ended = field(default_factory=Ended)

    async def begin(self, user_id: PydanticObjectId, subject_key: str | None = None) -> None:
        """Write the one document that is the truth; then there is no such user any more.

        The rest is the rounds', also where this is cut off after the document. `subject_key`: of an account of an
        outside issuer.
        """
        await Erasure.ask(user_id, subject_key)
        await self.door.close(user_id)
        await User.remove(user_id)
        now = self.clock.now()
        self.erased.learn({user_id: now}, now - _REMEMBERED)

    async def promise(self, owner_id: PydanticObjectId, after_s: float) -> None:
        """Have everything of an owner erased so many seconds from now, also when nobody is left who could begin it."""
        await Erasure.promise(owner_id, after_s)

    async def go_on(self) -> None:
        """Do a round of each erasure that is due; any number of processes may at once."""
        for user_id in await Erasure.due(self.clock.now()):
            await self.go_on_with(user_id)

    async def go_on_with(self, user_id: PydanticObjectId) -> None:
        """Do a round of that erasure if it is due and no other process does it."""
        if held := await Erasure.take(user_id):
            await self._round(held)

    async def learn(self) -> None:
        """Know whose account was erased in any process."""
        since = self.clock.now() - _REMEMBERED
        self.erased.learn(await Erasure.asked_since(since), since)

    async def keep_known(self) -> None:
        """For ever: learn every 2 seconds."""
        while True:
            try:
                await self.learn()
            except PyMongoError as error:  # while it is away nobody can do anything here anyway
                _log.warning("erasures_not_known", reason=type(error).__name__)
            await asyncio.sleep(_LEARN_EVERY_S)

    async def _round(self, erasure: Erasure) -> None:
        owner_id, clock = erasure.identity, asyncio.get_running_loop()
        ends_s = clock.time() + self.round_s
        await self.door.close(owner_id)
        left = [eraser.name for eraser in self.erasers if not await self._is_done(eraser, erasure, ends_s)]
        if left and clock.time() >= ends_s:
            await erasure.rest(self.every_s)
        elif left or erasure.wait_s < LAST_WAIT_S:
            longest_s = _LONGEST_WITH_LEFT_S if left else LAST_WAIT_S
            await erasure.rest(min(max(self.every_s, 2 * erasure.wait_s), longest_s))
        else:
            await self.door.forget(owner_id)
            await erasure.forget()
        _log.info("erasing_round", user=str(owner_id), waited_s=erasure.wait_s, left=left)

    async def _is_done(self, eraser: Eraser, erasure: Erasure, ends_s: float) -> bool:
        """Whether nothing is left of what that eraser erases; what hinders one does not hold up the others."""
        try:
            async with aclosing(eraser.erase(erasure.identity)) as chunks:
                async for _ in chunks:
                    if asyncio.get_running_loop().time() >= ends_s:
                        return False
                    await erasure.hold()
        except PyMongoError:
            raise
        except AppError as error:
            _log.info("erasing_goes_on", what=eraser.name, user=str(erasure.identity), reason=error.message)
            return False
        except Exception:  # noqa: BLE001 - all else of that user has to go; this is looked at in the next round again
            _log.exception("not_erased", what=eraser.name, user=str(erasure.identity))
            return False
        return True
