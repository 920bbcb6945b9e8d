"""The images of an answer by their numbers, from 0, and the steps of a generation that make them."""

from collections.abc import Mapping
from typing import Any

from app.chats.exchange import Exchange
from app.chats.parts import AnswerStatus, Slot, SlotStatus
from app.chats.recipes import indexes_in
from app.generations.attempts import Failure
from app.generations.model import Generation, Status

_IMAGE, _FAILURE = "image", "failure"


def image_step(number: int) -> str:
    """The name of the step that makes an image."""
    return f"{_IMAGE}:{number}"


def failure_step(number: int) -> str:
    """The name of what says why an image could not be made in the latest attempt at it; it is no step that is done."""
    return f"{_FAILURE}:{number}"


def number_in(step: str) -> int:
    """The number of the image that a step makes."""
    return int(step.partition(":")[2])


def made_in(generation: Generation) -> dict[int, Mapping[str, Any]]:
    """What its finished steps have made, by number."""
    numbers = indexes_in(generation.recipe)
    return {
        number: generation.steps[image_step(number)] for number in numbers if image_step(number) in generation.steps
    }


def shown_in(generation: Generation, exchange: Exchange) -> dict[int, Mapping[str, Any]]:
    """What of it the answer shows when it has ended: all or nothing, unless a part was allowed."""
    is_whole = generation.status is Status.SUCCEEDED
    return made_in(generation) if is_whole or exchange.allow_partial else {}


def slots_after(generation: Generation, exchange: Exchange) -> tuple[Slot, ...]:
    """The images of an answer whose generation has ended; each that is not there says why, one called off does not."""
    there = set(range(len(exchange.slots))) - set(exchange.missing) | set(shown_in(generation, exchange))
    made = made_in(generation)

    def failure(number: int) -> Failure | None:
        noted = generation.steps.get(failure_step(number)) if number not in made else None
        is_over = generation.status is Status.FAILED
        return (Failure.model_validate(noted) if noted else generation.failure) if is_over else None

    return tuple(
        Slot(image_id=slot.image_id, status=SlotStatus.READY)
        if number in there
        else Slot(image_id=slot.image_id, status=SlotStatus.FAILED, failure=failure(number))
        for number, slot in enumerate(exchange.slots)
    )


def slots_given_up(exchange: Exchange, failure: Failure) -> tuple[Slot, ...]:
    """The images of an answer whose work never began."""
    missing = exchange.missing
    return tuple(
        Slot(image_id=slot.image_id, status=SlotStatus.FAILED, failure=failure) if number in missing else slot
        for number, slot in enumerate(exchange.slots)
    )


def status_of(slots: tuple[Slot, ...]) -> AnswerStatus:
    """What an answer has come to, by its images."""
    ready = sum(slot.status is SlotStatus.READY for slot in slots)
    if ready == len(slots):
        return AnswerStatus.READY
    return AnswerStatus.PARTIAL if ready else AnswerStatus.FAILED
