"""From a succeeded generation to the version that it made."""

from collections.abc import Sequence

from beanie import PydanticObjectId

from app.generations.model import Generation
from app.generations.recipe import Origin, OriginPicture
from app.lineage.again import origin_of, version_made_by
from app.lineage.writing import write
from app.ornaments.asked import ModelType, Role
from app.ornaments.model import OrnamentImage, OrnamentKind, SourcePicture


async def write_version(generation: Generation) -> OrnamentImage | None:
    """Write the version under its pre-allocated id, from nothing but what is kept; safe to repeat and to race.

    Null when it was deleted for ever meanwhile.
    """
    recipe = generation.recipe
    origin = recipe.origin or (await _of_parent(recipe.parent_id) if recipe.parent_id else None)
    image = _version(generation, origin)
    return image if await write(image) else None


def origin_with_sources(parent: OrnamentImage) -> Origin:
    """What a child takes over from it."""
    sources = [
        OriginPicture(picture_id=source.picture_id, role=source.role, name=source.name) for source in parent.sources
    ]
    return origin_of(parent, sources)


async def _of_parent(parent_id: PydanticObjectId) -> Origin | None:
    """For recipes of earlier versions of this server, which name the parent alone."""
    parent = await OrnamentImage.get(parent_id)
    return origin_with_sources(parent) if parent else None


def _version(generation: Generation, origin: Origin | None) -> OrnamentImage:
    """The image that a succeeded generation made."""
    made, recipe = generation.steps["picture"], generation.recipe
    return OrnamentImage(
        **version_made_by(generation, origin),
        kind=OrnamentKind(recipe.parameters["kind"]),
        background_color=recipe.parameters.get("background"),
        measurements=recipe.parameters.get("measurements"),
        model_type=ModelType(recipe.parameters["modelType"]) if "modelType" in recipe.parameters else None,
        sources=_sources(origin.sources if origin else recipe.pictures),
        applied=tuple(made["applied"]),
        note=made["note"],
    )


def _sources(pictures: Sequence[OriginPicture]) -> tuple[SourcePicture, ...]:
    return tuple(
        SourcePicture(role=Role(picture.role or Role.ORNAMENT), picture_id=picture.picture_id, name=picture.name)
        for picture in pictures
    )
