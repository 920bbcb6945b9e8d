"""References are described by a model that looks at pictures: side by side, and each only if it is not known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from app.chats.descriptions import PictureDescription
from app.chats.parts import Analysis
from app.chats.wording import DESCRIPTION_MAX_CHARACTERS, INSTRUCTIONS, cut, numbered
from app.errors import AppError, ErrorCode
from app.generations.model import Generation
from app.generations.recipe import RecipePicture
from app.generations.work import CalledModel, StepResult, Work
from app.labels import plain
from app.making.chosen import Chosen, gone
from app.making.together import all_of
from app.pictures.library import Pictures
from app.pictures.model import Picture
from app.providers.ports.end_user import end_user
from app.providers.ports.model import Reference, Source
from app.providers.ports.vision import Description, VisionModel, VisionRequest

_LOOKING, _PERCENT = "looking at the references", 5


@dataclass(frozen=True, slots=True)
class Describer:
    """Asks the models, which are by the provider's name; `settings` names the one that sets each provider up."""

    pictures: Pictures
    models: Mapping[str, VisionModel]
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    async def describe_all(self, work: Work, by: Chosen) -> list[Analysis]:
        """What that model says of each of the recipe's pictures, in order; each is a step, `describe:N`.

        Those that it has described before, for this owner, are not asked for again: one read finds them all. What is
        said is told as it comes in.

        Raises:
            AppError: SOURCE_IMAGE_MISSING when one is gone; PROVIDER_NOT_CONFIGURED; those of the calls. What was
                said of the others is kept all the same.
        """
        generation = work.generation
        missing = {
            at: one for at, one in enumerate(generation.recipe.pictures) if description_step(at) not in generation.steps
        }
        if missing:
            await work.stage(_LOOKING, _PERCENT)
            sha256s = [one.sha256 for one in missing.values()]
            known = await work.bear(partial(PictureDescription.known, generation.owner_id, by, sha256s))
            await all_of(
                work.step(description_step(at), partial(self._described, work, at, by, known.get(one.sha256)))
                for at, one in missing.items()
            )
        return list(analyses_in(generation).values())

    async def _described(self, work: Work, at: int, by: Chosen, known: PictureDescription | None) -> StepResult:
        picture = work.generation.recipe.pictures[at]
        said = known or await self._ask(work, picture, by)
        analysis = Analysis(
            picture_id=picture.picture_id,
            text=cut(plain(said.text), DESCRIPTION_MAX_CHARACTERS),
            source=said.source,
            model=said.model,
            remembered=known is not None,
        )
        result = StepResult(analysis.model_dump(by_alias=True), (picture.picture_id,))
        work.note(description_step(at), result)  # it is paid for: what is told next is in the same write
        await work.text(numbered({number + 1: one.text for number, one in analyses_in(work.generation).items()}))
        return result

    async def _ask(self, work: Work, picture: RecipePicture, by: Chosen) -> Description:
        model, owner_id = self.models.get(by.provider), work.generation.owner_id
        if model is None:
            raise gone(by, self.settings)
        pictures = (await work.bear(partial(read_reference, self.pictures, picture)),)
        request = VisionRequest(INSTRUCTIONS, pictures, by.model, end_user(owner_id))
        billable, expected = model.source is Source.PROVIDER, model.expected_usage(request)
        async with work.call(CalledModel(by.provider, by.model, billable, expected)) as call:
            await work.stage(_LOOKING, _PERCENT)  # with it the ledger's entry is written before anything is sent
            said = await model.describe(request)
            call.provider_request_id, call.usage = said.provider_request_id, said.usage
        await work.bear(partial(PictureDescription.keep, owner_id, by, picture.sha256, said))
        return said


def analyses_in(generation: Generation) -> dict[int, Analysis]:
    """What its finished steps have said, by the numbers of the recipe's pictures, from 0 and in their order."""
    steps = {at: generation.steps.get(description_step(at)) for at in range(len(generation.recipe.pictures))}
    return {at: Analysis.model_validate(values) for at, values in steps.items() if values is not None}


async def read_reference(pictures: Pictures, wanted: RecipePicture) -> Reference:
    """Its bytes.

    Raises:
        AppError: SOURCE_IMAGE_MISSING when it is gone; those of its store.
    """
    picture = (await Picture.by_ids([wanted.picture_id])).get(wanted.picture_id)
    if picture is None:
        message = "A reference image is gone: send the message again with another one."
        raise AppError(ErrorCode.SOURCE_IMAGE_MISSING, message)
    return Reference(await pictures.read(picture), picture.media_type)


def description_step(number: int) -> str:
    """The name of the step that describes a picture of the recipe."""
    return f"describe:{number}"
