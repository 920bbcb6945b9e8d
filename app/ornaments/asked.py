"""What somebody asks for, before it is a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a source picture shows."""

    ORNAMENT = "ORNAMENT"
    MODEL = "MODEL"
    POSE = "POSE"
    THEME = "THEME"
    BACKGROUND = "BACKGROUND"


class ModelType(StrEnum):
    """Who wears the jewellery of a campaign."""

    AI_MODEL = "AI_MODEL"
    REAL_MODEL = "REAL_MODEL"


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of a first version, and how many pictures of each role come with them.

    `background` is a colour as `pictures.colours.parse_colour` takes it; `ornament_names` are as many as there are
    pictures of ornaments where a kind wants them, else none.
    """

    wish: str = ""
    pictures: Mapping[Role, int] = field(default_factory=lambda: MappingProxyType({}))
    background: str | None = None
    measurements: str | None = None
    model_type: ModelType | None = None
    ornament_names: tuple[str, ...] = ()

    def shows(self, role: Role) -> bool:
        """Whether a picture shows it."""
        return bool(self.pictures.get(role))
