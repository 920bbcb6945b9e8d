"""What an operation asks for below a field."""

from collections.abc import Iterable

from strawberry.types.nodes import SelectedField, Selection

from app.api.context import Info


def selects(info: Info, name: str) -> bool:
    """Whether a field of that name is asked for anywhere below the one that is being answered."""
    return _holds(info.selected_fields, name)


def _holds(selections: Iterable[Selection], name: str) -> bool:
    return any(
        (isinstance(one, SelectedField) and one.name == name) or _holds(one.selections, name) for one in selections
    )
