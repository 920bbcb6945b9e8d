"""Two images side by side, as clients see it."""

from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId

from app.api.context import Info
from app.api.ids import document_id, global_id
from app.api.ornaments import TYPE_NAME, OrnamentImage
from app.api.pictures import Picture
from app.lineage.ancestry import nearest_common_ancestor, path_of
from app.ornaments import comparing, recipe_difference
from app.pictures import difference

_ImageId = Annotated[strawberry.ID, strawberry.argument(description="The id of an `OrnamentImage` of yours.")]


@strawberry.type(description="How far two pictures are apart, as an eye would say; 0 is not at all.")
class PictureDistance:
    """Shown from what was measured."""

    structure: float = strawberry.field(
        description="0 to 1: how little shapes, edges and textures have in common, whatever their colour and "
        "brightness (1 less the structural similarity)."
    )
    colour: float = strawberry.field(
        description="0 to 1: how far the colours are apart on average; black and white are 1 apart (CIELAB)."
    )
    changed_share: float = strawberry.field(
        description="0 to 1: the share of the picture in which a change is plain to see."
    )


@strawberry.type(description="The part of the newer picture in which a change is plain to see.")
class ChangedRegion:
    """In shares of the picture's width and height, from its upper left corner."""

    left: float = strawberry.field(description="Where it begins, 0 to 1.")
    top: float = strawberry.field(description="Where it begins, 0 to 1.")
    width: float = strawberry.field(description="How wide it is, 0 to 1.")
    height: float = strawberry.field(description="How high it is, 0 to 1.")
    comparison: strawberry.Private[comparing.Comparison]

    @classmethod
    def of(cls, box: difference.Box, comparison: comparing.Comparison) -> Self:
        """The box of a comparison."""
        return cls(left=box.left, top=box.top, width=box.width, height=box.height, comparison=comparison)

    @strawberry.field
    async def picture(self) -> Picture | None:
        """The newer picture at 1,024 pixels a side at most, with all but the changes faded and an outline around them.

        It is made when it is asked for, and deleted about a day after the last time.
        """
        marked = await self.comparison.marked()
        return Picture.of(marked) if marked else None


@strawberry.type(description="A detail of the recipes that is not the same in both.")
class RecipeChange:
    """Shown from the recipes."""

    name: str = strawberry.field(
        description="What it is: `provider`, `model`, `task`, or a parameter such as `kind` or `background`."
    )
    a: str | None = strawberry.field(description="What it was for `a`; null where it was not given.")
    b: str | None = strawberry.field(description="What it was for `b`; null where it was not given.")


@strawberry.type(description="What was asked for differently.")
class RecipeDifference:
    """From `a` to `b`."""

    words_added: list[str] = strawberry.field(
        description="Words of the combined prompt of `b` that `a` has not as often, in lower case, in their order."
    )
    words_removed: list[str] = strawberry.field(
        description="Words of the combined prompt of `a` that `b` has not as often, in lower case, in their order."
    )
    changes: list[RecipeChange] = strawberry.field(description="Whatever else is not the same.")

    @classmethod
    def of(cls, found: recipe_difference.RecipeDifference) -> Self:
        """What was found."""
        changes = [RecipeChange(name=one.name, a=one.first, b=one.second) for one in found.changes]
        return cls(words_added=list(found.added), words_removed=list(found.removed), changes=changes)


@strawberry.type(description="Two images side by side; what is measured is the same either way round.")
class ImageComparison:
    """Pictures are measured when `distance` or `changedRegion` is asked for, once for both."""

    a: OrnamentImage = strawberry.field(description="The one.")
    b: OrnamentImage = strawberry.field(description="The other.")
    nearest_common_ancestor_id: strawberry.ID | None = strawberry.field(
        description="The `id` of the nearest version that both descend from, or are, also when it is deleted for "
        "ever; null when they are of two trees."
    )
    comparison: strawberry.Private[comparing.Comparison]

    @classmethod
    def of(cls, comparison: comparing.Comparison) -> Self:
        """The pair."""
        nearest = nearest_common_ancestor(path_of(comparison.a), path_of(comparison.b))
        return cls(
            a=OrnamentImage.of(comparison.a),
            b=OrnamentImage.of(comparison.b),
            nearest_common_ancestor_id=strawberry.ID(global_id(TYPE_NAME, nearest)) if nearest else None,
            comparison=comparison,
        )

    @strawberry.field
    async def distance(self) -> PictureDistance | None:
        """How far the pictures are apart; null, with an error, when one of them can't be read."""
        found = await self.comparison.difference()
        return PictureDistance(structure=found.structure, colour=found.colour, changed_share=found.changed)

    @strawberry.field
    async def changed_region(self) -> ChangedRegion | None:
        """Where they differ; null when no change is plain to see, or, with an error, when one can't be read."""
        box = (await self.comparison.difference()).box
        return ChangedRegion.of(box, self.comparison) if box else None

    @strawberry.field
    async def recipe(self, info: Info) -> RecipeDifference:
        """What was asked for differently."""
        a, b = self.comparison.a, self.comparison.b
        ids = [image.generation_id for image in (a, b) if image.generation_id is not None]
        made = {one.identity: one.recipe for one in await info.context.loaders.generations.load_many(ids) if one}
        recipes = (made.get(image.generation_id) if image.generation_id else None for image in (a, b))
        return RecipeDifference.of(recipe_difference.between((a.combined_prompt, b.combined_prompt), *recipes))

    @strawberry.field
    async def nearest_common_ancestor(self, info: Info) -> OrnamentImage | None:
        """The nearest version that both descend from, or are; null when there is none, or it is deleted for ever."""
        nearest = nearest_common_ancestor(path_of(self.comparison.a), path_of(self.comparison.b))
        image = await info.context.loaders.ornament_images.load(nearest) if nearest else None
        return OrnamentImage.of(image) if image else None


@strawberry.type
class ViewerComparisons:
    """Fields of the viewer."""

    owner_id: strawberry.Private[PydanticObjectId]

    @strawberry.field
    async def compare_images(self, info: Info, a: _ImageId, b: _ImageId) -> ImageComparison | None:
        """Two of the viewer's images side by side, of one tree or of two; null, with an error, if one isn't theirs."""
        ids = document_id(a, TYPE_NAME, "a"), document_id(b, TYPE_NAME, "b")
        comparison = await info.context.services.comparisons.of(self.owner_id, *ids)
        return ImageComparison.of(comparison)
