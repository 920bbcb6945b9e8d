"""What a generation of an answer does: the references are described, then the images are made side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from beanie import PydanticObjectId

from app.chats import ends
from app.chats.describing import Describer, read_reference
from app.chats.exchange import Exchange
from app.chats.parts import Analysis
from app.chats.recipes import CHAT_PARAMETER, describer_of, indexes_in
from app.chats.slots import failure_step, image_step, number_in
from app.chats.taking_over import take_over
from app.chats.wording import full_prompt
from app.errors import AppError, ErrorCode, not_found
from app.generations.attempts import Failure
from app.generations.model import Generation
from app.generations.ports import EventHub
from app.generations.recipe import Recipe
from app.generations.work import StepResult, Work
from app.making.pictures import PictureMaker
from app.projects.hints import wake
from app.providers.ports.end_user import end_user
from app.providers.ports.image import ImageRequest, ImageTask
from app.providers.ports.model import Reference

_BEGUN, _DESCRIBED = 5, 25  # percent of the work
_PREVIEWS = 2


@dataclass(frozen=True, slots=True)
class ChatJob:
    """Makes the images of a recipe. `hub` tells who follows the chat of what no event of the generation tells."""

    describer: Describer
    pictures: PictureMaker
    hub: EventHub

    async def run(self, work: Work) -> None:
        """Steps `describe:N`, one for each picture that guides the images, then `image:N`, one for each image.

        Raises:
            AppError: NOT_FOUND when the message is gone, CONFLICT when it waits for other work by now; those of the
                models and of the store.
        """
        recipe = work.generation.recipe
        exchange = await work.bear(partial(_waiting, work.generation))
        await take_over(work)
        analyses = await self.describer.describe_all(work, describer_of(recipe)) if recipe.pictures else []
        prompt = _prompt_of(recipe, analyses)
        if not await work.bear(partial(exchange.show_prompt, analyses, prompt)):
            await work.bear(partial(_waiting, work.generation))  # no image is paid for that nobody waits for
        await wake(self.hub, exchange.owner_id, [exchange.chat_id])
        begun = _DESCRIBED if recipe.pictures else _BEGUN
        await work.stage("making the images", begun)
        references = await self._references(work)
        requests = {
            image_step(number): partial(_requested, work, prompt, references, number) for number in indexes_in(recipe)
        }
        await self.pictures.make_all(work, requests, _Heed(self.hub, work, exchange), begun)

    async def complete(self, generation: Generation) -> None:
        """Write the images, and what the message has come to, however it has ended; then tell who follows its chat.

        The event of the end tells it, too, but that may have been read before this was written.
        """
        await ends.end(generation)
        await wake(self.hub, generation.owner_id, [PydanticObjectId(generation.recipe.parameters[CHAT_PARAMETER])])

    async def _references(self, work: Work) -> tuple[Reference, ...]:
        """Read once for all images; none when all of them are made."""
        recipe = work.generation.recipe
        if all(image_step(number) in work.generation.steps for number in indexes_in(recipe)):
            return ()
        read = partial(read_reference, self.describer.pictures)
        return tuple([await work.bear(partial(read, one)) for one in recipe.pictures])


@dataclass(frozen=True, slots=True)
class _Heed:
    """Writes each image as soon as it is kept, where a part of them is allowed, and notes why others failed."""

    hub: EventHub
    work: Work
    exchange: Exchange

    async def kept(self, name: str) -> None:
        """Show it."""
        if not self.exchange.allow_partial:
            return
        show = partial(ends.show_image, self.work.generation, self.exchange, number_in(name))
        if await self.work.bear(show):
            await wake(self.hub, self.exchange.owner_id, [self.exchange.chat_id])

    def failed(self, name: str, error: AppError) -> None:
        """Keep why, with the next write."""
        failure = Failure(code=error.code, message=error.message, retryable=error.retryable)
        values = failure.model_dump(by_alias=True)
        self.work.note(failure_step(number_in(name)), StepResult(values))


def _prompt_of(recipe: Recipe, analyses: Sequence[Analysis]) -> str:
    """What the image model is asked for by that recipe."""
    said, *wishes = recipe.prompts
    wish = wishes[0] if wishes else None
    return full_prompt(said, wish, [one.text for one in analyses], recipe.parameters.get("contextText"))


async def _waiting(generation: Generation) -> Exchange:
    """The exchange that waits for it.

    Raises:
        AppError: NOT_FOUND when it is gone, CONFLICT when it waits for other work by now.
    """
    exchange = await ends.of_generation(generation)
    if exchange is None:
        raise not_found("This message")
    if not exchange.is_made_by(generation.identity):
        raise AppError(ErrorCode.CONFLICT, "The message does not wait for this work any more: regenerate it.")
    return exchange


async def _requested(work: Work, prompt: str, references: tuple[Reference, ...], number: int) -> ImageRequest:
    recipe = work.generation.recipe
    return ImageRequest(
        task=ImageTask.CREATE,
        prompt=prompt,
        references=references,
        wishes=recipe.prompts,
        model=recipe.model,
        variation=number,
        previews=_PREVIEWS,
        end_user=end_user(work.generation.owner_id),
    )
