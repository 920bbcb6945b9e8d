"""What a generation leaves in its answer when it has ended; each is safe to repeat and to race.

The images are written before the answer says that they are there: a crash in between writes the same ones twice.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.parts import AnswerStatus, Making
from app.chats.slots import made_in, shown_in, slots_after, slots_given_up, status_of
from app.generations.attempts import Failure
from app.generations.model import Generation, Status
from app.generations.releasing import release
from app.lineage.deletion import delete_forever
from app.lineage.place import Lineage
from app.lineage.wishes import combined
from app.lineage.writing import write
from app.pictures.model import Picture
from app.providers.ports.model import Source


async def end(generation: Generation) -> None:
    """Write the images that the answer shows, and what it has come to.

    Without `allow_partial` that is all of them or none; what was made and is not shown is kept by the generation, and
    the next work on the same answer takes it over.
    """
    exchange = await of_generation(generation)
    if exchange is None:
        await release([generation.identity], [], Picture.let_go)
        return
    if not exchange.is_made_by(generation.identity):
        return
    shown = shown_in(generation, exchange)
    for number, made in shown.items():
        await write(_image(generation, exchange, number, made))
    slots = slots_after(generation, exchange)
    status = AnswerStatus.CANCELLED if generation.status is Status.CANCELLED else status_of(slots)
    failure = generation.failure if generation.status is Status.FAILED else None
    if await exchange.end(status, slots, failure, generation.identity) is None:
        await _unless_gone(exchange, shown)


async def give_up(exchange: Exchange, making: Making, failure: Failure) -> Exchange | None:
    """End work that never began: what was there is there, and the answer says why there is no more; null when over."""
    slots = slots_given_up(exchange, failure)
    return await exchange.end(status_of(slots), slots, failure, making.before)


async def show_image(generation: Generation, exchange: Exchange, number: int) -> bool:
    """Write an image while others are still being made; false when the answer waits for this work no more."""
    await write(_image(generation, exchange, number, made_in(generation)[number]))
    if await exchange.show_image(number):
        return True
    await _unless_gone(exchange, [number])
    return False


async def of_generation(generation: Generation) -> Exchange | None:
    """The exchange whose answer it makes; null when that is gone."""
    exchange_id = generation.recipe.parent_id
    return (await Exchange.by_ids([exchange_id])).get(exchange_id) if exchange_id else None


def _image(generation: Generation, exchange: Exchange, number: int, made: Mapping[str, Any]) -> ChatImage:
    """The first version of an image. Its prompts are the user's words: a further wish joins these, and the picture."""
    prompts = generation.recipe.prompts
    image_id = exchange.slots[number].image_id
    return ChatImage(
        id=image_id,
        owner_id=exchange.owner_id,
        project_id=exchange.project_id,
        chat_id=exchange.chat_id,
        exchange_id=exchange.identity,
        picture_id=made["pictureId"],
        generation_id=generation.identity,
        lineage=Lineage.of_root(image_id),
        parent_id=None,
        prompt=prompts[-1],
        original_prompt=combined(*prompts),
        new_prompt=None,
        prompts=prompts,
        combined_prompt=combined(*prompts),
        source=Source(made["source"]),
        note=made["note"],
        created_at=generation.created_at,
    )


async def _unless_gone(exchange: Exchange, numbers: Iterable[int]) -> None:
    """Whoever deletes a chat for ever may have come before its last images were written."""
    if await Exchange.by_ids([exchange.identity]):
        return
    images = await ChatImage.by_ids([exchange.slots[number].image_id for number in numbers])
    if images:
        await delete_forever(list(images.values()))
