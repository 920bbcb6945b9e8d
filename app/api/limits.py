"""How large an operation may be, counted before it runs."""

from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)

from app.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class _Size:
    """Levels of nesting; aliases, directives and fields with every fragment counted where it is spread."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0

    def beside(self, other: "_Size") -> "_Size":
        return _Size(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.fields + other.fields,
        )


MAX = _Size(depth=15, aliases=50, directives=50, fields=1_000)
_INTROSPECTION = frozenset({"__schema", "__type"})


class OperationSize(ValidationRule):
    """Refuses operations above `MAX`; each fragment is measured once, so the cost is that of reading the text.

    Introspection is exempt: its depth is the tools' choice.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        definitions = context.document.definitions
        self._fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
        self._known: dict[str, _Size] = {}
        for definition in definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._check(definition)

    def _check(self, operation: OperationDefinitionNode) -> None:
        size = self._inside(operation.selection_set, frozenset())
        size = size.beside(_Size(directives=len(operation.directives or ())))
        for name in _Size.__slots__:
            count, limit = getattr(size, name), getattr(MAX, name)
            if count > limit:
                message = f"This operation is too large: {name} {count:,}, at most {limit:,}. Split it."
                self.report_error(GraphQLError(message, operation, extensions={"code": ErrorCode.QUERY_TOO_COMPLEX}))

    def _inside(self, selections: SelectionSetNode | None, spread: frozenset[str]) -> _Size:
        size = _Size()
        for selection in selections.selections if selections else ():
            size = size.beside(self._one(selection, spread))
        return size

    def _one(self, selection: Any, spread: frozenset[str]) -> _Size:
        size = _Size(directives=len(selection.directives or ()))
        if isinstance(selection, FragmentSpreadNode):
            return size.beside(self._fragment(selection.name.value, spread))
        if not isinstance(selection, FieldNode):
            return size.beside(self._inside(selection.selection_set, spread))
        if selection.name.value in _INTROSPECTION:
            return size
        inside = self._inside(selection.selection_set, spread)
        deeper = _Size(inside.depth + 1, inside.aliases, inside.directives, inside.fields)
        return size.beside(deeper).beside(_Size(aliases=int(selection.alias is not None), fields=1))

    def _fragment(self, name: str, spread: frozenset[str]) -> _Size:
        if name in spread or name not in self._fragments:  # other rules report a circle and an unknown fragment
            return _Size()
        if name not in self._known:
            self._known[name] = self._inside(self._fragments[name].selection_set, spread | {name})
        return self._known[name]
