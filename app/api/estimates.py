"""What work would cost and how long it would wait, before it is started."""

from math import ceil
from typing import Annotated

import strawberry
from beanie import PydanticObjectId

from app.api.context import Info, viewer
from app.api.costs import Cost
from app.api.ids import CHAT_IMAGE, typed_id
from app.api.loaders import positions_in_turn
from app.api.node import INPUT
from app.api.ornament_inputs import (
    ChangeBackgroundInput,
    GenerateCampaignShotInput,
    GenerateModelWithOrnamentInput,
    GenerateRealModelWithOrnamentInput,
    UploadOrnamentInput,
    Wanted,
)
from app.api.ornaments import TYPE_NAME
from app.api.pictures import require_seen
from app.api.regenerating import RegenerateImageInput, RegenerateImagesInput, again_of, again_of_chat, choice_of
from app.batches.model import Estimate as EstimatedCost
from app.errors import bad_input
from app.generations.backlog import waiting
from app.generations.lanes import Lane
from app.generations.service import Generations
from app.making.estimating import estimated
from app.ornaments.batching import parameters_of_batch
from app.ornaments.estimating import estimated_first


@strawberry.input(
    one_of=True,
    description="The input of a mutation that starts work, as it would be sent: files too, which are neither looked "
    "into nor kept. Exactly one.",
)
class EstimateInput:
    """What `estimate` takes."""

    upload_ornament: strawberry.Maybe[UploadOrnamentInput] = strawberry.field(description="`uploadOrnament`'s.")
    change_background: strawberry.Maybe[ChangeBackgroundInput] = strawberry.field(description="`changeBackground`'s.")
    generate_model_with_ornament: strawberry.Maybe[GenerateModelWithOrnamentInput] = strawberry.field(
        description="`generateModelWithOrnament`'s."
    )
    generate_real_model_with_ornament: strawberry.Maybe[GenerateRealModelWithOrnamentInput] = strawberry.field(
        description="`generateRealModelWithOrnament`'s."
    )
    generate_campaign_shot: strawberry.Maybe[GenerateCampaignShotInput] = strawberry.field(
        description="`generateCampaignShot`'s."
    )
    regenerate_image: strawberry.Maybe[RegenerateImageInput] = strawberry.field(description="`regenerateImage`'s.")
    regenerate_images: strawberry.Maybe[RegenerateImagesInput] = strawberry.field(description="`regenerateImages`'s.")


@strawberry.type(description="What work would come to if it were started now. Nothing is held or promised by it.")
class Estimate:
    """Made when it is asked for."""

    generations: int = strawberry.field(description="How many would be started.")
    cost: Cost | None = strawberry.field(
        description="What they would cost together, by a cautious guess and this server's prices; null when a price is "
        "not known. What is made on this server costs nothing."
    )
    queue_position: int = strawberry.field(
        description="About how many others would have their turn before the first of them, 0 for the next."
    )
    wait_seconds: int | None = strawberry.field(
        description="About how long the first of them would wait, by how long your latest ones took; null when it "
        "would wait and you have none yet."
    )
    usual_seconds: int | None = strawberry.field(
        description="How long your latest ones took each, half of them no longer; null without any."
    )


@strawberry.type
class EstimateQuery:
    """Fields of the query root."""

    @strawberry.field
    async def estimate(self, info: Info, input: Annotated[EstimateInput, INPUT]) -> Estimate | None:
        """What a mutation's work would cost and how long it would wait; it is refused as the mutation would be."""
        who, generations = viewer(info), info.context.services.generations
        count, cost = await _of(info, input)
        usual_s = await generations.usual_s(who.user_id)
        position, rounds = await _turns(generations, who.user_id)
        wait_s = 0 if rounds == 0 else None if usual_s is None else rounds * usual_s
        return Estimate(
            generations=count,
            cost=Cost.of(cost.cost * count, cost.currency) if cost else None,
            queue_position=position,
            wait_seconds=None if wait_s is None else ceil(wait_s),
            usual_seconds=None if usual_s is None else ceil(usual_s),
        )


async def _of(info: Info, input: EstimateInput) -> tuple[int, EstimatedCost | None]:
    """How many generations, and what each of them costs."""
    if input.regenerate_image:
        return await _of_one(info, input.regenerate_image.value)
    if input.regenerate_images:
        return await _of_many(info, input.regenerate_images.value)
    firsts = (
        input.upload_ornament,
        input.change_background,
        input.generate_model_with_ornament,
        input.generate_real_model_with_ornament,
        input.generate_campaign_shot,
    )
    for first in firsts:
        if first:
            return 1, await _of_first(info, first.value.wanted())
    raise bad_input("Say what is to be estimated: null is nothing.", "input")


async def _of_first(info: Info, wanted: Wanted) -> EstimatedCost | None:
    who, services = viewer(info), info.context.services
    cost = estimated_first(services.ornaments, who.user_id, wanted.kind, wanted.asked)
    for path, picture in (one for found in wanted.pictures.values() for one in found):
        if picture.id:
            await require_seen(info, picture.id.value, *path)
    return cost


async def _of_one(info: Info, input: RegenerateImageInput) -> tuple[int, EstimatedCost | None]:
    who, services = viewer(info), info.context.services
    type_name, image_id = typed_id(input.image_id, (TYPE_NAME, CHAT_IMAGE), "input", "imageId")
    if type_name == CHAT_IMAGE:
        of_chat, images = await again_of_chat(who.user_id, input), services.chat_images
        recipe = await images.recipe_of_child(who.user_id, image_id, of_chat)
        return of_chat.variations, estimated(images.model, images.generations, who.user_id, recipe)
    again = await again_of(who.user_id, input)
    ornaments = services.ornaments
    recipe = await ornaments.recipe_of_child(who.user_id, image_id, again)
    return again.variations, estimated(ornaments.model, ornaments.generations, who.user_id, recipe)


async def _of_many(info: Info, input: RegenerateImagesInput) -> tuple[int, EstimatedCost | None]:
    again = await again_of(viewer(info).user_id, input)
    parameters_of_batch(again)
    chosen = await choice_of(info, input, again)()
    return len(set(chosen.subjects)), chosen.estimate


async def _turns(generations: Generations, owner_id: PydanticObjectId) -> tuple[int, int]:
    """How many come before one that is started now, and how many rounds of the owner's window that makes."""
    window, new = generations.limits.running, PydanticObjectId()
    lane = await Lane.get(owner_id)
    own = ceil(max(0, len(lane.open if lane else ()) + 1 - window) / window)
    oldest_first = await waiting()
    position = positions_in_turn([*oldest_first, (new, owner_id)])[new]
    return position, max(own, ceil(position / window))
