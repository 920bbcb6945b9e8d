"""Which operations are compiled, and what is kept of each: bounded, by the text and the operation's name."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    VariableNode,
)
from graphql.language import Visitor, visit

from app.api.execution.compiling import Compiler
from app.api.execution.kept import Kept
from app.api.execution.plain import Details, Groups
from app.api.execution.plans import ObjectPlan, Shown

_WAYS: Final = 16
"""Of one operation: for so many combinations of what its @skip and @include depend on."""
_STORE: Final = "regen.operations"
_KNOWN_DIRECTIVES: Final = frozenset({"skip", "include"})


@dataclass(slots=True)
class Plans:
    """What one operation collects and how it is executed, for the same @skip and @include.

    graphql-core's lists of nodes are told apart by their identity; each is kept here, so that it stays its own.
    `keeps_moments`: see `leaf`.
    """

    keeps_moments: bool = False
    root: Any = None
    root_type: Any = None
    _collected: dict[tuple[GraphQLObjectType, int], tuple[Details, Any]] = field(
        default_factory=dict[tuple[GraphQLObjectType, int], tuple[Details, Any]]
    )
    _objects: dict[int, tuple[Groups, ObjectPlan]] = field(default_factory=dict[int, tuple[Groups, ObjectPlan]])
    _lists: dict[tuple[int, int], tuple[Details, Shown]] = field(
        default_factory=dict[tuple[int, int], tuple[Details, Shown]]
    )
    _compiler: Compiler | None = None

    def collected(self, executor: Any, kind: GraphQLObjectType, details: Details) -> Any:
        """What is asked for below a field for values of a type, as graphql-core collects it."""
        found = self._collected.get((kind, id(details)))
        if found is None:
            found = self._collected[kind, id(details)] = (details, executor.collect(kind, details))
        return found[1]

    def fields(self, executor: Any, kind: GraphQLObjectType, groups: Groups) -> ObjectPlan:
        """The plan of the fields of an object."""
        found = self._objects.get(id(groups))
        if found is None:
            found = self._objects[id(groups)] = (groups, self._compiling(executor).fields(kind, groups))
        return found[1]

    def items(self, executor: Any, kind: Any, details: Details) -> Shown:
        """The plan of a list; `kind` is its type."""
        found = self._lists.get((id(kind), id(details)))
        if found is None:
            found = self._lists[id(kind), id(details)] = (details, self._compiling(executor).items(kind, details))
        return found[1]

    def _compiling(self, executor: Any) -> Compiler:
        """A compiler that collects as this executor does, as does every other one that comes to these plans."""

        def collect(kind: GraphQLObjectType, details: Details) -> Groups:
            groups: Groups = self.collected(executor, kind, details).grouped_field_set
            return groups

        return Compiler(executor.schema, collect, keeps_moments=self.keeps_moments)


@dataclass(slots=True)
class Operation:
    """One that was asked for before: its document, and its plans by what its @skip and @include depend on.

    `conditions` are the variables in them; null where something in it is not known here, and nothing is compiled.
    """

    document: DocumentNode
    conditions: tuple[str, ...] | None
    _plans: OrderedDict[tuple[Any, ...], Plans] = field(default_factory=OrderedDict[tuple[Any, ...], Plans])

    @property
    def ways(self) -> int:
        """How many plans there may be of it."""
        return min(_WAYS, 2 << len(self.conditions or ()))

    def plans(self, variables: dict[str, Any], *, keeps_moments: bool = False) -> Plans | None:
        """The plans for these variables; null where there are none."""
        if self.conditions is None:
            return None
        ways = tuple(variables.get(name) for name in self.conditions)
        if not all(isinstance(one, bool) for one in ways):
            return None
        found = self._plans.get((keeps_moments, *ways))
        if found is None:
            found = self._plans[keeps_moments, *ways] = Plans(keeps_moments)
            if len(self._plans) > _WAYS:
                self._plans.popitem(last=False)
        return found


class Operations:
    """Those of one schema. An operation is compiled when it comes for the second time: many come only once."""

    def __init__(self) -> None:
        self._seen = Kept[tuple[str, str | None], bool]()
        self._known = Kept[tuple[str, str | None], Operation]()

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "Operations":
        """Those that are kept with the schema."""
        known = schema.extensions.get(_STORE)
        if not isinstance(known, cls):
            known = schema.extensions[_STORE] = cls()
        return known

    def __len__(self) -> int:
        """How many are kept compiled."""
        return len(self._known)

    def find(self, document: DocumentNode, name: str | None, *, at_once: bool = False) -> Operation | None:
        """The operation of that name in that document; null the first time, unless it is wanted `at_once`."""
        text = document.loc.source.body if document.loc else None
        if text is None:
            return None
        key = (text, name)
        known = self._known.find(key)
        if known is None and (at_once or self._seen.find(key)):
            known = Operation(document, _conditions(document))
            self._known.keep(key, known, len(text) * known.ways)
        elif known is None:
            self._seen.keep(key, value=True, weight=len(text))
        return known


def _conditions(document: DocumentNode) -> tuple[str, ...] | None:
    looker = _Looker()
    visit(document, looker)
    return None if looker.is_unusual else tuple(sorted(looker.names))


class _Looker(Visitor):
    """Looks for what decides which fields are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names = set[str]()
        self.is_unusual = False

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        """Take the variables; what is not @skip or @include is not known here."""
        self.is_unusual |= node.name.value not in _KNOWN_DIRECTIVES
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> None:
        """A fragment with variables of its own means something else each time."""
        self.is_unusual |= bool(node.variable_definitions)
