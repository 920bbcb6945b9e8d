"""Who interprets and who draws: what is set up, what new work is given to, and what may be asked for instead."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.dreams.parts import Made, Part
from app.errors import bad_input
from app.making.chosen import Chosen
from app.providers.ports.image import ImageModel
from app.providers.ports.model import Model, Source
from app.providers.ports.text import TextModel


@dataclass(frozen=True, slots=True)
class Newest:
    """The model that makes a part; `is_providers`: it is no stand-in of this server's own."""

    model: str
    is_providers: bool

    def is_newer_than(self, made: Made) -> bool:
        """Whether that was made by another; a provider's work is never older than that of a stand-in."""
        return made.model != self.model and (self.is_providers or made.source is not Source.PROVIDER)


@dataclass(frozen=True, slots=True)
class DreamModels:
    """`text` and `image` are those that new work is given to; `texts` and `images` are all, by the provider's name."""

    text: TextModel
    image: ImageModel
    texts: Mapping[str, TextModel]
    images: Mapping[str, ImageModel]

    def text_model(self, wanted: str | None) -> Chosen:
        """The one of that name, null: the one for new work.

        Raises:
            AppError: BAD_USER_INPUT that lists what is possible.
        """
        return _chosen(wanted, self.text, self.texts, "textModel")

    def image_model(self, wanted: str | None) -> Chosen:
        """The same for pictures.

        Raises:
            AppError: BAD_USER_INPUT that lists what is possible.
        """
        return _chosen(wanted, self.image, self.images, "imageModel")

    def has_text_model(self, name: str) -> bool:
        """Whether one of that name is set up."""
        return _named(name, self.text, self.texts) is not None

    def has_image_model(self, name: str) -> bool:
        """The same for pictures."""
        return _named(name, self.image, self.images) is not None

    def newest(self, text_wanted: str | None, image_wanted: str | None) -> dict[Part, Newest]:
        """Who makes each part when these are asked for.

        Raises:
            AppError: BAD_USER_INPUT that lists what is possible.
        """
        text, image = self.text_model(text_wanted), self.image_model(image_wanted)
        sources = {
            Part.INTERPRETATION: self.texts[text.provider].source,
            Part.PICTURE: self.images[image.provider].source,
        }
        models = {Part.INTERPRETATION: text.model, Part.PICTURE: image.model}
        return {part: Newest(model, sources[part] is Source.PROVIDER) for part, model in models.items()}


def _chosen(wanted: str | None, usual: Model, known: Mapping[str, Model], argument: str) -> Chosen:
    if wanted is None:
        return Chosen(usual.name, usual.model)
    if chosen := _named(wanted, usual, known):
        return chosen
    possible = ", ".join(sorted({f"{model.model} ({model.name})" for model in (usual, *known.values())}))
    raise bad_input(f"`{argument}` is one that is set up on this server: {possible}.", "input", argument)


def _named(wanted: str, usual: Model, known: Mapping[str, Model]) -> Chosen | None:
    for model in (usual, *known.values()):
        if model.model == wanted:
            return Chosen(model.name, model.model)
    return None
