"""What the mutations that make ornament images take: an input type for each kind, and what it asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import strawberry

from app.api.enums import ModelType
from app.api.keys import KEY_WORDS
from app.api.pictures import PictureInput
from app.ornaments.asked import Asked, Role
from app.ornaments.model import OrnamentKind

type Given = Mapping[Role, tuple[str, PictureInput | Sequence[PictureInput] | None]]
"""The pictures of each role, with the name of their argument."""

PROMPT_OF_FIRST = "A wish in your own words, at most 2,000 characters."
_POSE = "A picture of the pose."
_MEASUREMENTS = "Sizes in your own words, e.g. `ring 18 mm across`, at most 500 characters; they join the instruction."


class Wanted(NamedTuple):
    """A first version of a kind: its words, and the pictures to make it from."""

    kind: OrnamentKind
    words: Asked
    given: Given

    @property
    def asked(self) -> Asked:
        """The words, and how many pictures of each role come with them."""
        return replace(self.words, pictures={role: len(found) for role, found in self.pictures.items()})

    @property
    def pictures(self) -> Mapping[Role, Sequence[tuple[tuple[str, ...], PictureInput]]]:
        """Each with the path of its argument."""
        return {role: _each(name, pictures) for role, (name, pictures) in self.given.items()}


@strawberry.input(description="A photo of a piece of jewellery, and what to do with it.")
class UploadOrnamentInput:
    """What `uploadOrnament` takes."""

    image: PictureInput = strawberry.field(description="The photo.")
    prompt: str | None = strawberry.field(default=None, description=PROMPT_OF_FIRST)
    background_color: str = strawberry.field(
        default="white", description="A CSS colour name, `#rgb`, `#rrggbb`, or a jeweller's word such as `champagne`."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)

    def wanted(self) -> Wanted:
        """What it asks for."""
        words = Asked(words_of(self.prompt), background=self.background_color.strip())
        return Wanted(OrnamentKind.WHITE_BACKGROUND, words, {Role.ORNAMENT: ("image", self.image)})


@strawberry.input(description="A photo of a piece of jewellery, and its new background.")
class ChangeBackgroundInput:
    """What `changeBackground` takes."""

    ornament_image: PictureInput = strawberry.field(description="The photo of the ornament.")
    prompt: str = strawberry.field(
        description=f"{PROMPT_OF_FIRST} It says what the background is when neither a picture nor a colour does."
    )
    background_image: PictureInput | None = strawberry.field(
        default=None, description="A picture of the background; not together with `backgroundColor`."
    )
    background_color: str | None = strawberry.field(
        default=None, description="A CSS colour name, `#rgb`, `#rrggbb`, or a jeweller's word such as `champagne`."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)

    def wanted(self) -> Wanted:
        """What it asks for."""
        words = Asked(words_of(self.prompt), background=words_of(self.background_color) or None)
        given: Given = {
            Role.ORNAMENT: ("ornamentImage", self.ornament_image),
            Role.BACKGROUND: ("backgroundImage", self.background_image),
        }
        return Wanted(OrnamentKind.BACKGROUND_CHANGE, words, given)


@strawberry.input(description="A photo of a piece of jewellery, for a model to wear.")
class GenerateModelWithOrnamentInput:
    """What `generateModelWithOrnament` takes."""

    ornament_image: PictureInput = strawberry.field(description="The photo of the ornament.")
    prompt: str = strawberry.field(description=PROMPT_OF_FIRST)
    pose_style: PictureInput | None = strawberry.field(default=None, description=_POSE)
    measurements: str | None = strawberry.field(default=None, description=_MEASUREMENTS)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)

    def wanted(self) -> Wanted:
        """What it asks for."""
        words = Asked(words_of(self.prompt), measurements=words_of(self.measurements) or None)
        given: Given = {
            Role.ORNAMENT: ("ornamentImage", self.ornament_image),
            Role.POSE: ("poseStyle", self.pose_style),
        }
        return Wanted(OrnamentKind.MODEL_WITH_ORNAMENT, words, given)


@strawberry.input(description="A photo of a person, and of a piece of jewellery for them to wear.")
class GenerateRealModelWithOrnamentInput:
    """What `generateRealModelWithOrnament` takes."""

    model_image: PictureInput = strawberry.field(description="The photo of the person.")
    ornament_image: PictureInput = strawberry.field(description="The photo of the ornament.")
    prompt: str = strawberry.field(description=PROMPT_OF_FIRST)
    pose_style: PictureInput | None = strawberry.field(default=None, description=_POSE)
    measurements: str | None = strawberry.field(default=None, description=_MEASUREMENTS)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)

    def wanted(self) -> Wanted:
        """What it asks for."""
        words = Asked(words_of(self.prompt), measurements=words_of(self.measurements) or None)
        given: Given = {
            Role.MODEL: ("modelImage", self.model_image),
            Role.ORNAMENT: ("ornamentImage", self.ornament_image),
            Role.POSE: ("poseStyle", self.pose_style),
        }
        return Wanted(OrnamentKind.REAL_MODEL_WITH_ORNAMENT, words, given)


@strawberry.input(description="What a campaign shows, who wears it, and its mood.")
class GenerateCampaignShotInput:
    """What `generateCampaignShot` takes."""

    ornament_images: list[PictureInput] = strawberry.field(description="1 to 8 photos of ornaments.")
    ornament_names: list[str] = strawberry.field(description="What each of them is called, in the same order.")
    prompt: str = strawberry.field(description=PROMPT_OF_FIRST)
    model_type: ModelType = strawberry.field(description="Who wears them.")
    model_image: PictureInput | None = strawberry.field(
        default=None, description="A photo of the person: needed for `REAL_MODEL`, refused for `AI_MODEL`."
    )
    theme_images: list[PictureInput] = strawberry.field(
        default_factory=list[PictureInput], description="Up to 4 pictures of mood, light and setting."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)

    def wanted(self) -> Wanted:
        """What it asks for."""
        names = tuple(name.strip() for name in self.ornament_names)
        words = Asked(words_of(self.prompt), model_type=self.model_type, ornament_names=names)
        given: Given = {
            Role.ORNAMENT: ("ornamentImages", self.ornament_images),
            Role.MODEL: ("modelImage", self.model_image),
            Role.THEME: ("themeImages", self.theme_images),
        }
        return Wanted(OrnamentKind.CAMPAIGN_SHOT_ADVANCED, words, given)


def _each(name: str, given: PictureInput | Sequence[PictureInput] | None) -> list[tuple[tuple[str, ...], PictureInput]]:
    if given is None:
        return []
    if isinstance(given, PictureInput):
        return [(("input", name), given)]
    return [(("input", name, str(place)), one) for place, one in enumerate(given)]


def words_of(text: str | None) -> str:
    """As they count: trimmed, none where nothing was said."""
    return (text or "").strip()
