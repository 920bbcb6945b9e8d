"""From a succeeded generation to the version that it made."""

from app.generations.model import Generation
from app.lineage.version import Lineage
from app.lineage.wishes import combined
from app.ornaments.model import OrnamentImage, OrnamentKind
from app.providers.ports.model import Source


async def write_version(generation: Generation) -> OrnamentImage:
    """Write the version under its pre-allocated id, from nothing but what is kept; safe to repeat and to race."""
    parent_id = generation.recipe.parent_id
    parent = await OrnamentImage.get(parent_id) if parent_id else None
    image = _version(generation, parent)
    await OrnamentImage.write(image)
    return image


def _version(generation: Generation, parent: OrnamentImage | None) -> OrnamentImage:
    """The image that a succeeded generation made, from nothing but what is kept in it and in its parent."""
    made, recipe = generation.steps["picture"], generation.recipe
    wishes = recipe.prompts[1:]
    lineage = parent.lineage.child_of(parent.identity) if parent else Lineage.of_root(generation.result_id)
    return OrnamentImage(
        id=generation.result_id,
        owner_id=generation.owner_id,
        kind=OrnamentKind(recipe.parameters["kind"]),
        picture_id=made["pictureId"],
        uploaded_picture_id=parent.uploaded_picture_id if parent else recipe.pictures[0].picture_id,
        generation_id=generation.identity,
        lineage=lineage,
        parent_id=lineage.parent_id,
        prompt=wishes[-1] if wishes else None,
        original_prompt=parent.original_prompt if parent else combined(*recipe.prompts),
        new_prompt=wishes[-1] if parent else None,
        prompts=recipe.prompts,
        combined_prompt=combined(*recipe.prompts),
        background_color=recipe.parameters["background"],
        source=Source(made["source"]),
        applied=tuple(made["applied"]),
        note=made["note"],
        created_at=generation.created_at,
    )
