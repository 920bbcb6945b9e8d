"""A text with places to fill in: `{name}` is a variable, `{{` and `}}` are braces.

Nothing in it is ever evaluated, and a value is never looked at again.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.errors import bad_input

VARIABLES_MAX = 20
_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]|[^{}]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Variable:
    """A place to fill in."""

    name: str


def variables(text: str, *path: str) -> tuple[str, ...]:
    """The names of its variables, each once, in the order in which they first come.

    Raises:
        AppError: BAD_USER_INPUT with that path for a brace on its own, for what is no name, and for too many.
    """
    found = tuple(dict.fromkeys(piece.name for piece in _pieces(text, path) if isinstance(piece, Variable)))
    if len(found) > VARIABLES_MAX:
        raise bad_input(f"These are too many variables: at most {VARIABLES_MAX}.", *path)
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with a value in each place; `values` are of all its variables.

    Raises:
        AppError: BAD_USER_INPUT when it is no such text.
    """
    return "".join(values[piece.name] if isinstance(piece, Variable) else piece for piece in _pieces(text, ()))


def _pieces(text: str, path: tuple[str, ...]) -> Iterator[str | Variable]:
    for token in _TOKEN.finditer(text):
        name, written = token["name"], token[0]
        if written in {"{{", "}}"}:
            yield written[0]
        elif written in {"{", "}"}:
            raise bad_input(f"A brace stands alone: write `{written}{written}` for a `{written}` in the text.", *path)
        elif name is None:
            yield written
        elif _NAME.fullmatch(name):
            yield Variable(name)
        else:
            message = (
                f"`{{{name[:40]}}}` is no variable: its name is 1 to 40 letters (a to z), digits and underscores, and "
                "begins with a letter. For braces in the text write `{{` and `}}`."
            )
            raise bad_input(message, *path)
