"""Who interprets and who draws: what is set up, what new work is given to, and what may be asked for instead."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import bad_input
from app.making.chosen import Chosen
from app.providers.ports.image import ImageModel
from app.providers.ports.model import Model
from app.providers.ports.text import TextModel


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


def _chosen(wanted: str | None, usual: Model, known: Mapping[str, Model], argument: str) -> Chosen:
    if wanted is None:
        return Chosen(usual.name, usual.model)
    for model in (usual, *known.values()):
        if model.model == wanted:
            return Chosen(model.name, model.model)
    possible = ", ".join(sorted({f"{model.model} ({model.name})" for model in (usual, *known.values())}))
    raise bad_input(f"`{argument}` is one that is set up on this server: {possible}.", "input", argument)
