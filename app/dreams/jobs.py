"""What a generation of a dream does: an interpretation, then a picture of it.

Its end is that of all it was to make: one whose picture fails has FAILED, with the picture's failure, for that is what
is still to be done, and a retry goes on from there. The interpretation was a step that is kept; the dream has it.
"""

from dataclasses import dataclass
from functools import partial

from app.dreams import ends
from app.dreams.interpreting import interpretation_of
from app.dreams.model import Dream
from app.dreams.parts import Interpretation, Part
from app.dreams.recipes import painter_of, parts_in
from app.dreams.wording import (
    INSTRUCTIONS,
    InterpretationAnswer,
    fault_of,
    input_of,
    narrative_so_far,
    picture_prompt,
    repeats_instructions,
)
from app.errors import AppError, ErrorCode, not_found
from app.generations.model import Generation
from app.generations.recipe import Recipe
from app.generations.work import StepResult, Work
from app.making.chosen import Chosen
from app.making.pictures import PictureMaker
from app.making.progress import Progress
from app.making.texts import TextMaker, Writing
from app.providers.ports.end_user import end_user
from app.providers.ports.image import ImageRequest, ImageTask
from app.providers.ports.text import TextRequest

INTERPRETATION, PICTURE = "interpretation", "picture"
"""The names of the steps."""
_HALFWAY, _DONE = 45, 95  # percent of the work
_BEGUN = 5
_PREVIEWS = 2
_UNSAID = "The model refused to interpret this dream, and gave no reason that could be shown. Tell it in other words."


@dataclass(frozen=True, slots=True)
class DreamJob:
    """Makes the parts that a recipe is of."""

    texts: TextMaker
    pictures: PictureMaker

    async def run(self, work: Work) -> None:
        """One or two steps: `interpretation`, `picture`.

        Raises:
            AppError: NOT_FOUND when the dream is gone, CONFLICT when it waits for other work by now; those of the
                models and of the store.
        """
        parts = parts_in(work.generation.recipe)
        await work.bear(partial(_waiting, work.generation))
        if Part.INTERPRETATION in parts:
            is_last = Part.PICTURE not in parts
            await work.step(INTERPRETATION, partial(self._interpret, work), is_last=is_last)
        if Part.PICTURE in parts:
            await self._show(work)
            begun = _HALFWAY if Part.INTERPRETATION in parts else _BEGUN
            progress, by = Progress(work, begin=begun, end=_DONE), painter_of(work.generation.recipe)
            request = partial(self._prepared, work, by, begun)
            await work.step(PICTURE, partial(self.pictures.make, work, PICTURE, request, progress, by), is_last=True)

    async def complete(self, generation: Generation) -> None:
        """Write what was made into the dream."""
        await ends.end(generation)

    async def _interpret(self, work: Work) -> StepResult:
        generation, recipe = work.generation, work.generation.recipe
        by, dream = Chosen(recipe.provider, recipe.model), recipe.prompts[0]
        request = TextRequest(
            INSTRUCTIONS, input_of(recipe), InterpretationAnswer, recipe.model, end_user(generation.owner_id)
        )

        async def show(document: str) -> None:
            narrative = narrative_so_far(document)
            if narrative and not repeats_instructions(narrative, dream):
                await work.text(narrative)

        progress = Progress(work, begin=_BEGUN, end=_HALFWAY)
        writing = Writing(request, by, show, partial(fault_of, dream=dream))
        try:
            answer = await self.texts.write(work, writing, progress)
        except AppError as error:
            raise _without_instructions(error, dream) from error
        interpretation = interpretation_of(answer, by, generation.identity, work.journal.now())
        result = StepResult(interpretation.model_dump(by_alias=True))
        work.note(INTERPRETATION, result)  # it is paid for: what is told next is in the same write
        await work.text(interpretation.narrative)
        return result

    @staticmethod
    async def _show(work: Work) -> None:
        """What is interpreted is seen at once, before it is drawn; nothing is drawn for a dream that is gone."""
        made = ends.made_by(work.generation).interpretation
        if made is None:
            return

        async def show() -> None:
            dream = await _waiting(work.generation)
            if dream.interpretation is None:
                await dream.show(made)

        await work.bear(show)

    @staticmethod
    async def _prepared(work: Work, by: Chosen, percent: int) -> ImageRequest:
        await work.stage("preparing the picture", percent)
        return picture_request(work.generation.recipe, ends.made_by(work.generation).interpretation, by, work)


async def _waiting(generation: Generation) -> Dream:
    """The dream that waits for it.

    Raises:
        AppError: NOT_FOUND when it is gone, CONFLICT when it waits for other work by now.
    """
    dream = await ends.of_generation(generation)
    if dream is None:
        raise not_found("This dream")
    if not dream.is_made_by(generation.identity):
        raise AppError(ErrorCode.CONFLICT, "The dream does not wait for this work any more: regenerate it.")
    return dream


def _without_instructions(error: AppError, dream: str) -> AppError:
    """The same failure, in words of ours where the model's words repeat what it was told."""
    if not repeats_instructions(error.message, dream):
        return error
    return AppError(error.code, _UNSAID, retryable=error.retryable, retry_after_s=error.retry_after_s, call=error.call)


def picture_request(recipe: Recipe, interpretation: Interpretation | None, by: Chosen, work: Work) -> ImageRequest:
    """What the image model is asked for: by the interpretation that was made just now, or the recipe's own."""
    prompt = picture_prompt(interpretation) if interpretation else recipe.prompts[0]
    wish = recipe.parameters.get("wish")
    return ImageRequest(
        task=ImageTask.CREATE,
        prompt=f"{prompt.rstrip('.')}. {wish}" if wish else prompt,
        references=(),
        wishes=(wish,) if wish else (),
        model=by.model,
        previews=_PREVIEWS,
        end_user=end_user(work.generation.owner_id),
    )
