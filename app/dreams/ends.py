"""What a generation leaves in its dream when it has ended; each is safe to repeat and to race.

A version is written before the dream forgets what it had put aside: a crash in between makes one and the same twice.
"""

from typing import NamedTuple

from app.dreams.model import Aside, Dream, Making
from app.dreams.parts import Illustration, Interpretation, Parts
from app.dreams.versions import DreamVersion
from app.generations.attempts import Failure
from app.generations.model import Generation, Status
from app.generations.releasing import release
from app.pictures.model import Picture


class _Left(NamedTuple):
    """What there is in the end, what becomes a version, and why it failed."""

    now: Parts
    before: Parts
    failure: Failure | None


async def end(generation: Generation) -> None:
    """Write it: what was made if it succeeded or failed, what was there before if it was cancelled.

    Nothing is lost in any of them: what is not in the dream then is a version of it.
    """
    dream = await of_generation(generation)
    if dream is None:
        await release([generation.identity], [], Picture.let_go)
        return
    if not dream.is_made_by(generation.identity):
        return
    left = _left(generation, dream)
    aside = dream.aside or Aside()
    if left.before.there:
        kept = Aside(
            version_id=aside.version_id,
            interpretation=left.before.interpretation,
            illustration=left.before.illustration,
        )
        await DreamVersion.keep(dream, kept)
    if await dream.end(left.now, left.failure, generation.identity) is None:
        await _unless_gone(dream)


async def give_up(dream: Dream, making: Making, failure: Failure) -> Dream | None:
    """End work that never began: all is as it was, and a dream that has nothing yet says why; null when it is over."""
    before = dream.aside.parts.over(dream.parts) if dream.aside else dream.parts
    return await dream.end(before, failure if making.is_first else dream.failure, making.before)


async def of_generation(generation: Generation) -> Dream | None:
    """The dream that it is made for; null when that is gone."""
    dream_id = generation.recipe.parent_id
    found: Dream | None = await Dream.get(dream_id) if dream_id else None
    return found


def made_by(generation: Generation) -> Parts:
    """What its finished steps have made."""
    interpretation, picture = generation.steps.get("interpretation"), generation.steps.get("picture")
    return Parts(
        Interpretation.model_validate(interpretation) if interpretation else None,
        _illustration(generation, picture) if picture else None,
    )


def _left(generation: Generation, dream: Dream) -> _Left:
    made, aside = made_by(generation), dream.aside.parts if dream.aside else Parts()
    if generation.status is Status.CANCELLED:
        return _Left(aside.over(made).over(dream.parts), made.only(aside.there), dream.failure)
    return _Left(made.over(dream.parts), aside, generation.failure)


def _illustration(generation: Generation, picture: dict[str, object]) -> Illustration:
    given = generation.recipe.parameters
    kept = {name: picture[name] for name in ("pictureId", "source", "model", "note")}
    at = generation.ended_at or generation.changed_at
    more = {"provider": given["imageProvider"], "generationId": generation.identity, "madeAt": at}
    return Illustration.model_validate({**kept, **more})


async def _unless_gone(dream: Dream) -> None:
    """Whoever deletes a dream for ever may have come before its last version was written."""
    if not await Dream.by_ids([dream.identity]):
        await DreamVersion.remove_of([dream.identity])
