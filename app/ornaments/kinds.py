"""The kinds of product picture, each with its recipe: one file and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.ornaments import white_background
from app.ornaments.model import OrnamentKind
from app.providers.ports.image import ImageTask


@dataclass(frozen=True, slots=True)
class KindRecipe:
    """How a first version of a kind is made: the instruction of a background colour, and the task it is."""

    instruction: Callable[[str], str]
    task: ImageTask


KINDS: Mapping[OrnamentKind, KindRecipe] = MappingProxyType(
    {OrnamentKind.WHITE_BACKGROUND: KindRecipe(white_background.instruction, white_background.TASK)}
)
