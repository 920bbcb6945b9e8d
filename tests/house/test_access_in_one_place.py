"""`app/access.py` decides who may do what with whose, and nothing else does: the source is read, not run."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

_ROOT = Path(__file__).parent.parent.parent
_PLACE = "app/access.py"
_PEOPLE: Final = frozenset({"owner_id", "user_id", "author_id", "ownerId", "userId", "authorId"})
"""Names by which the code calls the id of somebody."""
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "app/accounts/service.py": "says that an outside issuer keeps the accounts, to whoever asks",
        "app/api/archive_files.py": "a link is signed, whoever has it",
        "app/api/enums.py": "the code's description in the schema",
        "app/api/media.py": "a link is signed, whoever has it",
        "app/api/pictures.py": "says which codes are the input's fault",
        "app/pictures/model.py": "one write that touches a picture of that owner or none",
        "app/projects/model.py": "the role of a member, which the gate asks for",
    }
)
"""Where something looks like a check and is none."""


def _complaints(source: str) -> Iterator[str]:
    """What of a module looks like a check of access, a line each."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and _compares_people(node):
            yield f"line {node.lineno} compares whose it is: use `owns`, `own` or `require_own`, or the gate"
        if isinstance(node, ast.Attribute) and node.attr == "FORBIDDEN" and _name(node.value) == "ErrorCode":
            yield f"line {node.lineno} says FORBIDDEN: use `require_own`, `refusal` or the gate"
        if isinstance(node, ast.Dict) and {"_id", "ownerId"} <= {_name(key) for key in node.keys if key}:
            yield f"line {node.lineno} finds by id and owner: read it, and use `require_own`"


def _compares_people(node: ast.Compare) -> bool:
    """Whether somebody's id is compared with anything, or looked for in what is written out."""
    sides = [node.left, *node.comparators]
    if all(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
        return any(_name(side) in _PEOPLE for side in sides)
    written_out = [side for side in sides if isinstance(side, ast.Tuple | ast.List | ast.Set)]
    return any(_name(one) in _PEOPLE for side in written_out for one in side.elts)


def _name(node: ast.expr) -> str:
    """The last part of a name, or the key of a subscript."""
    match node:
        case ast.Name(name) | ast.Attribute(attr=name) | ast.Constant(str(name)):
            return name
        case ast.Subscript(slice=inside):
            return _name(inside)
        case _:
            return ""


def _found() -> dict[str, list[str]]:
    """The complaints about each module but the one place."""
    files = {path.relative_to(_ROOT).as_posix(): path for path in sorted((_ROOT / "app").rglob("*.py"))}
    found = {name: [*_complaints(path.read_text(encoding="utf-8"))] for name, path in files.items() if name != _PLACE}
    return {name: complaints for name, complaints in found.items() if complaints}


def test_access_is_decided_in_one_place() -> None:
    strange = {name: complaints for name, complaints in _found().items() if name not in _REASONS}
    assert strange == {}, f"access is decided in {_PLACE}"


def test_every_exception_is_still_needed() -> None:
    assert sorted(set(_REASONS) - set(_found())) == []


@pytest.mark.parametrize(
    "source",
    [
        "dream.owner_id == who.user_id",
        "if image.owner_id != owner_id: pass",
        "shown = one if user_id == identity else None",
        "row['ownerId'] == asking",
        "who in (image.owner_id, other)",
        "raise AppError(ErrorCode.FORBIDDEN, 'no')",
        "rows.find_one({'_id': image_id, 'ownerId': owner_id})",
    ],
)
def test_check_outside_of_the_place_is_found(source: str) -> None:
    assert [*_complaints(source)]


@pytest.mark.parametrize(
    "source",
    [
        "require_own(owner_id, dream, 'This dream')",
        "owner_id in self.followers",
        "rows.find({'ownerId': owner_id})",
        "code is ErrorCode.NOT_FOUND",
        "generation.owner_id",
    ],
)
def test_what_is_no_check_is_left_alone(source: str) -> None:
    assert [*_complaints(source)] == []
