"""How often a document may ask for the same: GraphQL compares all of it, each with each."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)

from app.errors import ErrorCode

MAX_COMPARISONS: Final = 12_000
"""They take at most 70 ms, mostly less. The same field 156 times needs more, or 50 fragments of 7 fields."""


class Overlaps(ValidationRule):
    """Refuses documents whose fields of one name in one place, or fragments, are too many to be compared in time.

    Whether they can be merged takes GraphQL a step for each pair of them, and for each pair inside of those. Here they
    are counted, without a look at the pairs, and no further than up to the limit.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._left = MAX_COMPARISONS

    def enter_selection_set(self, node: SelectionSetNode, *_: Any) -> None:
        """Count what is compared in one place, and below it."""
        if self._left < 0:
            return
        waiting: list[Collection[SelectionSetNode]] = [[node]]
        while waiting and self._left >= 0:
            for fields in self._by_name(waiting.pop()):
                self._left -= _pairs(fields)
                if len(fields) > 1:
                    waiting.append([field.selection_set for field in fields if field.selection_set])
        if self._left < 0:
            message = "This operation asks for the same fields too often, side by side. Ask for each once."
            self.report_error(GraphQLError(message, node, extensions={"code": ErrorCode.QUERY_TOO_COMPLEX}))

    def _by_name(self, places: Iterable[SelectionSetNode]) -> Iterable[Collection[FieldNode]]:
        """The fields of all these, which are one place, that share a name in the answer; each fragment once."""
        found, spread, waiting = defaultdict[str, list[FieldNode]](list), set[str](), list(places)
        while waiting:
            for selection in waiting.pop().selections:
                if isinstance(selection, FieldNode):
                    found[(selection.alias or selection.name).value].append(selection)
                elif not isinstance(selection, FragmentSpreadNode):
                    waiting.append(selection.selection_set)  # type: ignore[attr-defined] # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportAttributeAccessIssue] - an inline fragment
                elif selection.name.value not in spread:
                    spread.add(selection.name.value)
                    fragment = self.context.get_fragment(selection.name.value)
                    waiting += [fragment.selection_set] if fragment else []
        self._left -= _pairs(spread)
        return found.values()


def _pairs(things: Collection[Any]) -> int:
    return len(things) * (len(things) - 1) // 2
