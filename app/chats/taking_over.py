"""What was made for an answer by work that failed or was called off is not made, and not paid for, once more."""

from functools import partial
from typing import Any

from app.chats.describing import description_step
from app.chats.recipes import describer_of, indexes_in
from app.chats.slots import image_step
from app.generations.model import Generation
from app.generations.work import StepResult, Work
from app.pictures.model import Picture

_STAGE, _PERCENT = "taking over what is there", 3


async def take_over(work: Work) -> None:
    """Keep as this generation's steps what others before it have left; nothing happens to first work.

    Pictures that are gone are made anew, and what another model said of a picture is not this one's.
    """
    generation = work.generation
    parent_id = generation.recipe.parent_id
    if generation.retry_of is None or parent_id is None:
        return
    left = await work.bear(partial(Generation.steps_of_work_on, parent_id))
    new = {name: values for name, values in left.items() if name not in generation.steps}
    images = {name: new[name] for number in indexes_in(generation.recipe) if (name := image_step(number)) in new}
    for name, values in (await work.bear(partial(_there, images))).items():
        work.note(name, StepResult(values, (values["pictureId"],)))
    by = describer_of(generation.recipe)
    for name in map(description_step, range(len(generation.recipe.pictures))):
        if name in new and new[name]["model"] == by.model:
            work.note(name, StepResult({**new[name], "remembered": True}, (new[name]["pictureId"],)))
    await work.stage(_STAGE, _PERCENT)  # and all of it is written


async def _there(images: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those whose pictures are there, safe from every sweep for a grace period."""
    ids = list({values["pictureId"] for values in images.values()})
    if not ids:
        return {}
    await Picture.touch_all(ids)
    found = await Picture.by_ids(ids)
    return {name: values for name, values in images.items() if values["pictureId"] in found}
