"""What a rule says: who may call an operation, and what they may name in it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from app.access import Role


class Caller(StrEnum):
    """Who may call at all."""

    ANYBODY = "ANYBODY"
    SIGNED_IN = "SIGNED_IN"
    ADMINISTRATOR = "ADMINISTRATOR"
    """Somebody whom the operator has made one. `enforce` asks for a log-in, and the use case for the rest of it."""


class Refusal(StrEnum):
    """How a thing that the caller may not name is answered."""

    FORBIDDEN = "FORBIDDEN"
    """With an error of that code, and the argument's path."""
    HIDDEN = "HIDDEN"
    """As if it were not there."""
    ITEM = "ITEM"
    """The batch goes on without it, and its item is FORBIDDEN."""
    INVALID = "INVALID"
    """With BAD_USER_INPUT and the argument's path, as if it were not there."""
    LEFT_OUT = "LEFT_OUT"
    """Without an error, and in nothing otherwise than if it were not there."""


@dataclass(frozen=True, slots=True)
class Named:
    """An argument that names a thing by its id, with its path (`input.imageId`).

    `types` are those that it may be of, `needed` the role that it takes to name one; null: anybody may.
    """

    path: str
    types: tuple[str, ...]
    needed: Role | None
    refusal: Refusal

    def under(self, field: str) -> "Named":
        """The same, where the input that it is in is the field of another input."""
        return replace(self, path=self.path.replace("input.", f"input.{field}.", 1))


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use an operation, and what they may name in it."""

    caller: Caller
    names: tuple[Named, ...] = ()


def own(path: str, *types: str, refusal: Refusal = Refusal.FORBIDDEN) -> Named:
    """Something of the caller's own."""
    return Named(path, types, Role.OWNER, refusal)


def project(needed: Role, path: str, *types: str, refusal: Refusal = Refusal.FORBIDDEN) -> Named:
    """Something of the caller's own, or of a project in which they have that role."""
    return Named(path, types, needed, refusal)


def anybodys(path: str, *types: str) -> Named:
    """Something that it takes no right to name: the right is another argument's."""
    return Named(path, types, None, Refusal.FORBIDDEN)


def picture(path: str) -> tuple[Named, ...]:
    """A `PictureInput`, which is a new file or names a picture that is stored, or an image that shows one."""
    inside = f"{path}.id"
    return own(inside, "Picture", "OrnamentImage"), project(Role.VIEWER, inside, "ChatImage")


def naming(*names: Named) -> Rule:
    """Whoever is logged in, for what they may name."""
    return Rule(Caller.SIGNED_IN, names)


def administrating(*names: Named) -> Rule:
    """Whoever runs the server, for what they may name."""
    return Rule(Caller.ADMINISTRATOR, names)


PUBLIC: Final = Rule(Caller.ANYBODY)
"""Whoever comes."""
SIGNED_IN: Final = Rule(Caller.SIGNED_IN)
"""Whoever is logged in: it reads and writes what is the caller's own, and nothing else."""
ADMINISTRATOR: Final = administrating()
"""Whoever runs the server."""
