"""Which generations work for a chat, as far as one of its followers knows."""

from dataclasses import dataclass, field

from beanie import PydanticObjectId

from app.chats.recipes import GENERATION_KIND
from app.generations.events import GenerationEvent
from app.generations.model import Generation
from app.generations.seen import Seen

_REMEMBERED = 2_000


@dataclass(slots=True)
class Works:
    """Those of the project's owner; `seen` is the number of the last event of each that was told, or passed over.

    Those that work for the chat and have not ended are kept with their exchanges, null for an image's alone. Of all
    others, which don't or have ended, the latest are remembered.
    """

    seen: Seen
    _exchanges: dict[PydanticObjectId, PydanticObjectId | None] = field(
        default_factory=dict[PydanticObjectId, PydanticObjectId | None]
    )
    _others: dict[PydanticObjectId, None] = field(default_factory=dict[PydanticObjectId, None])

    def know(self, generation_id: PydanticObjectId) -> bool:
        """Whether it was asked for what that generation works."""
        return generation_id in self._exchanges or generation_id in self._others

    def are_of_chat(self, generation_id: PydanticObjectId, work: Generation | None) -> bool:
        """Whether it is one of them; `work` is what was found of it just now, where it works for the chat."""
        return generation_id in self._exchanges or (work is not None and generation_id not in self._others)

    def exchange_of(self, generation_id: PydanticObjectId, work: Generation | None = None) -> PydanticObjectId | None:
        """That whose answer it makes; null for an image alone."""
        known = self._exchanges.get(generation_id)
        return known or (_exchange_of(work) if work else None)

    def take_up(self, generation_id: PydanticObjectId, work: Generation | None) -> None:
        """Note that it works for the chat, if that was found just now."""
        if work is not None and generation_id not in self._exchanges:
            self._exchanges[generation_id] = _exchange_of(work)

    def expect_end(self, generation_id: PydanticObjectId, exchange_id: PydanticObjectId) -> None:
        """Have the end of one told that has ended, of which its exchange does not know yet."""
        if generation_id not in self._exchanges:
            self._exchanges[generation_id] = exchange_id
            self.seen[generation_id] = max(self.seen.get(generation_id, 0) - 1, 0)

    def end(self, generation_id: PydanticObjectId, event: GenerationEvent) -> None:
        """Forget it if that is its last event."""
        if event.type.terminal:
            self._exchanges.pop(generation_id, None)
            self.pass_over(generation_id, event.sequence)

    def pass_over(self, generation_id: PydanticObjectId, sequence: int) -> None:
        """Note how far it has come, which is not, or no more, for this chat."""
        self.seen[generation_id] = max(sequence, self.seen.get(generation_id, 0))
        self._others[generation_id] = None
        while len(self._others) > _REMEMBERED:
            forgotten = next(iter(self._others))
            del self._others[forgotten]
            self.seen.pop(forgotten, None)


def _exchange_of(generation: Generation) -> PydanticObjectId | None:
    return generation.recipe.parent_id if generation.kind == GENERATION_KIND else None
