"""The use cases of dreams: write one down, make it anew, go back to what there was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

from beanie import PydanticObjectId

from app.access import require_own
from app.database.document import utc_now
from app.dreams.choosing import DreamModels
from app.dreams.following import wake
from app.dreams.model import Dream, Making
from app.dreams.parts import DreamStatus
from app.dreams.recipes import GENERATION_KIND, Again, again_of, is_same, recipe_of
from app.dreams.starting import NOT_ITS_OWN, DreamStarter
from app.dreams.telling import Told
from app.dreams.versions import DreamVersion, flush
from app.errors import AppError, ErrorCode, not_found
from app.generations.model import Generation
from app.lineage.trash import in_trash

_TRIES = 8
_KEY_PATH = ("input", "idempotencyKey")


class Recorded(NamedTuple):
    """A dream that was stored, and why nothing is made of it; null when something is."""

    dream: Dream
    refusal: AppError | None = None


@dataclass(frozen=True, slots=True)
class Dreams:
    """Keeps dreams, and starts the generations that are made of them."""

    starter: DreamStarter
    models: DreamModels

    async def record(self, owner_id: PydanticObjectId, told: Told, key: str | None) -> Recorded:
        """Store a dream, whatever comes of it, and start its generation.

        The same key with the same words is the same dream; what could not be started for it then is tried again.

        Raises:
            AppError: CONFLICT when the key was used with other words; UNAVAILABLE.
        """
        dream = await self._stored(owner_id, told, f"{owner_id}:{key or uuid4().hex}")
        if dream.making is None and dream.generation_id is None and dream.trashed_at is None:  # it was refused then
            dream = await self._begun(dream, Again(), is_first=True) or dream
        refusal = None
        if dream.making is not None and not dream.making.started:
            try:
                await self.starter.start(dream, dream.making)
            except AppError as error:
                if error.code in NOT_ITS_OWN:
                    raise
                refusal = error
        return Recorded(await Dream.get(dream.identity) or dream, refusal)

    async def regenerate(
        self,
        owner_id: PydanticObjectId,
        dream_id: PydanticObjectId,
        again: Again,
        key: str | None,
        batch_id: PydanticObjectId | None = None,
        retry_of: PydanticObjectId | None = None,
    ) -> Generation:
        """Clear parts of a dream and make them anew; what was there becomes a version.

        Raises:
            AppError: NOT_FOUND, FORBIDDEN for another's; CONFLICT while something is being made of it, for one in the
                trash, and for a used key; BAD_USER_INPUT; RATE_LIMITED, QUOTA_EXCEEDED. Nothing is cleared then.
        """
        known = await Generation.of_key(f"{owner_id}:{key}") if key else None
        dream = await self.owned(owner_id, dream_id)
        if known is not None:
            if known.kind != GENERATION_KIND or not is_same(known.recipe, dream, again) or known.retry_of != retry_of:
                message = "This idempotencyKey was used before with another input; use a new key for new work."
                raise AppError(ErrorCode.CONFLICT, message, path=_KEY_PATH)
            return known
        for _ in range(_TRIES):
            if making := _same_making(dream, again, key):
                return await self.starter.start(dream, making)
            begun = await self._begun(dream, again, key=key, batch_id=batch_id, retry_of=retry_of)
            if begun is not None and begun.making is not None:
                return await self.starter.start(begun, begun.making)
            dream = await self.owned(owner_id, dream_id)
        raise AppError(ErrorCode.UNAVAILABLE, "It changes too quickly at the moment. Try again.", retryable=True)

    async def retry(self, generation: Generation, key: str | None, batch_id: PydanticObjectId | None) -> Generation:
        """Make what is missing of what a generation was to make, or all of it; implements `RetryAs`.

        Raises:
            AppError: as `regenerate`, with the path of what names the generation.
        """
        owner_id, dream_id = generation.owner_id, generation.recipe.parent_id
        known = await Generation.of_key(f"{owner_id}:{key}") if key else None
        if known is not None and known.retry_of == generation.identity:
            return known
        dream = await Dream.get(dream_id) if dream_id else None
        if dream is None:
            raise not_found("The dream that it was made for", "input", "id")
        try:
            again = again_of(generation, dream, self.models)
            return await self.regenerate(owner_id, dream.identity, again, key, batch_id, generation.identity)
        except AppError as error:
            if error.path is None or error.path == _KEY_PATH:
                raise
            raise error.at("input", "id") from error

    async def update(self, owner_id: PydanticObjectId, dream_id: PydanticObjectId, told: Mapping[str, Any]) -> Dream:
        """Change what its owner says of it, by the document's keys; what was made of it stays as it is.

        Raises:
            AppError: NOT_FOUND, FORBIDDEN for another's.
        """
        dream = await self.owned(owner_id, dream_id)
        if not told:
            return dream
        changed = await dream.say(told)
        if changed is None:
            raise not_found("This dream", "input", "dreamId")
        await self.wake_followers(owner_id, [dream_id])
        return changed

    async def restore_version(self, owner_id: PydanticObjectId, version_id: PydanticObjectId) -> Dream:
        """Put a version's parts in the place of what is there, which becomes a version; safe to repeat.

        Raises:
            AppError: NOT_FOUND, FORBIDDEN for another's; CONFLICT while something is being made of the dream, and for
                one in the trash.
        """
        path = ("input", "versionId")
        version = (await DreamVersion.by_ids([version_id])).get(version_id)
        if version is None:
            message = "This version does not exist; or what it holds is just being replaced: wait until that is done."
            raise AppError(ErrorCode.NOT_FOUND, message, path=path)
        require_own(owner_id, version, "This version", *path)
        for _ in range(_TRIES):
            dream = await self._idle(await self.owned(owner_id, version.dream_id, path), path)
            parts = version.parts.over(dream.parts)
            if parts == dream.parts:
                return dream
            if replaced := await dream.put_in_place(parts, dream.parts.only(version.parts.there)):
                restored = await flush(replaced)
                await self.wake_followers(owner_id, [dream.identity])
                return restored
        raise AppError(ErrorCode.UNAVAILABLE, "It changes too quickly at the moment. Try again.", retryable=True)

    async def wake_followers(self, owner_id: PydanticObjectId, dream_ids: Iterable[PydanticObjectId]) -> None:
        """Tell whoever follows these dreams, on any device, that they were changed or are gone."""
        await wake(self.starter.generations.hub, owner_id, dream_ids)

    async def owned(
        self, owner_id: PydanticObjectId, dream_id: PydanticObjectId, path: tuple[str, ...] = ("input", "dreamId")
    ) -> Dream:
        """A dream of that owner.

        Raises:
            AppError: NOT_FOUND, or FORBIDDEN when it is another's.
        """
        return require_own(owner_id, await Dream.get(dream_id), "This dream", *path)

    async def _stored(self, owner_id: PydanticObjectId, told: Told, owner_key: str) -> Dream:
        """The dream of that key, which is made now if it is not there.

        Raises:
            AppError: CONFLICT when the key was used with other words.
        """
        known = await Dream.of_key(owner_key)
        if known is None:
            first = self._first(owner_id, told, owner_key)
            known = first if await first.put() else await Dream.of_key(owner_key)
        if known is None or known.asked != told.digest:
            message = "This idempotencyKey was used before with another dream; use a new key for a new one."
            raise AppError(ErrorCode.CONFLICT, message, path=_KEY_PATH)
        return known

    def _first(self, owner_id: PydanticObjectId, told: Told, owner_key: str) -> Dream:
        """One whose work is to begin; not stored yet."""
        now = utc_now()
        dream = Dream(
            id=PydanticObjectId(),
            owner_id=owner_id,
            idempotency_key=owner_key,
            asked=told.digest,
            title=told.title,
            text=told.text,
            dreamed_at=told.dreamed_at or now,
            mood=told.mood,
            lucid=told.lucid,
            tags=told.tags,
            status=DreamStatus.PROCESSING,
            due=Dream.soon(),
            created_at=now,
            changed_at=now,
        )
        dream.making = self._making(dream, Again(), {"is_first": True})
        dream.generation_id = dream.making.generation_id
        return dream

    async def _begun(self, dream: Dream, again: Again, **more: Any) -> Dream | None:
        """The dream with its work under way, the parts of it cleared; null when it has changed since it was read."""
        path = ("input", "dreamId")
        dream = await self._idle(dream, path)
        making = self._making(dream, again, more)
        return await dream.begin(making, again.parts_of(dream, self.models))

    def _making(self, dream: Dream, again: Again, more: Mapping[str, Any]) -> Making:
        recipe = recipe_of(dream, again.parts_of(dream, self.models), again, self.models)
        made = Making(generation_id=PydanticObjectId(), recipe=recipe, key=None, before=dream.generation_id)
        return made.model_copy(update=dict(more))

    @staticmethod
    async def _idle(dream: Dream, path: tuple[str, ...]) -> Dream:
        """The dream, with nothing under way and nothing put aside.

        Raises:
            AppError: CONFLICT.
        """
        if dream.making is not None:
            message = "Something is being made of this dream already: wait for it, or cancel it."
            raise AppError(ErrorCode.CONFLICT, message, path=path)
        if dream.trashed_at is not None:
            raise in_trash("This dream", *path)
        return await flush(dream)


def _same_making(dream: Dream, again: Again, key: str | None) -> Making | None:
    """The work that was begun by a call with that key; null when there is none."""
    making = dream.making
    is_its = making is not None and key is not None and making.key == key and is_same(making.recipe, dream, again)
    return making if is_its else None
