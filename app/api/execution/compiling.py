"""Plans for the fields of one operation, made when they are first needed."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLSchema

from app.api.execution.fields import (
    Function,
    attribute_of,
    function_of,
    has_usual_info,
    is_usual_test,
    origin_of,
)
from app.api.execution.functions import FunctionPlan
from app.api.execution.leaves import is_settled_kind
from app.api.execution.plain import (
    Asked,
    Collect,
    Details,
    Groups,
    NotPlainError,
    plain_fields,
    plain_value,
    without_null,
)
from app.api.execution.plans import (
    AttributePlan,
    FieldPlan,
    Kinds,
    ListPlan,
    ObjectPlan,
    Shown,
    Step,
    StockPlan,
)

type _Named = tuple[str, Details]


class Compiler:
    """Makes plans for one schema; `collect` says what is asked for below a field; `keeps_moments`: see `leaf`.

    Unless it `tries_ready`, resolvers are called also where they need not be.
    """

    def __init__(
        self, schema: GraphQLSchema, collect: Collect, *, keeps_moments: bool = False, tries_ready: bool = True
    ) -> None:
        self._schema = schema
        self._collect = collect
        self._kinds = Kinds()
        self._calls_functions = has_usual_info(schema)
        arguments = self._arguments if tries_ready and self._calls_functions else None
        self._asked = Asked(schema, collect, arguments, keeps_moments)

    def fields(self, kind: GraphQLObjectType, groups: Groups) -> ObjectPlan:
        """The plan of those fields of an object, whose type was asked already."""
        return ObjectPlan(self._kinds, None, tuple(self._steps(kind, list(groups.items()))))

    def items(self, kind: GraphQLList[Any], details: Details) -> Shown:
        """The plan of a list that is there."""
        return self._shown(GraphQLNonNull(kind), details)

    def _object(self, kind: GraphQLObjectType, details: Details) -> ObjectPlan | None:
        """The plan of an object with the test of its type; null where that is one of its own."""
        origin = origin_of(kind) if kind.is_type_of else None
        if kind.is_type_of and (origin is None or not is_usual_test(kind) or not is_settled_kind(origin)):
            return None
        return ObjectPlan(self._kinds, origin, self.fields(kind, self._collect(kind, details)).steps)

    def _steps(self, kind: GraphQLObjectType, groups: Sequence[_Named]) -> Iterable[Step]:
        """As many plain fields at once as follow each other, and the others one by one."""
        plain = list[_Named]()
        for name, details in groups:
            if self._is_sure(kind, name, details):
                plain.append((name, details))
                continue
            if plain:
                yield self._filling(kind, plain)
                plain = []
            yield Step(None, (self._field(kind, name, details),))
        if plain:
            yield self._filling(kind, plain)

    def _is_sure(self, kind: GraphQLObjectType, name: str, details: Details) -> bool:
        try:
            return plain_fields(self._asked, kind, [(name, details)]).is_sure
        except NotPlainError:
            return False

    def _filling(self, kind: GraphQLObjectType, groups: Sequence[_Named]) -> Step:
        stock = tuple(self._stock(kind, name, details) for name, details in groups)
        return Step(plain_fields(self._asked, kind, groups).call, stock)

    def _field(self, kind: GraphQLObjectType, name: str, details: Details) -> FieldPlan:
        definition: Any = self._schema.get_field(kind, details[0].node.name.value)
        if definition is None:
            return self._stock(kind, name, details)
        function = function_of(definition) if self._calls_functions else None
        if function is not None:
            shown = self._shown(definition.type, details)
            return FunctionPlan(function, kind, name, details, definition, shown)
        attribute = attribute_of(definition)
        if attribute is not None:
            shown = self._shown(definition.type, details)
            return AttributePlan(attribute, kind, name, details, definition, shown)
        return self._stock(kind, name, details)

    def _stock(self, kind: GraphQLObjectType, name: str, details: Details) -> StockPlan:
        definition: Any = self._schema.get_field(kind, details[0].node.name.value)
        return StockPlan(kind, name, details, definition, Shown(self._kinds, required=False))

    def _shown(self, kind: Any, details: Details) -> Shown:
        required, inner = without_null(kind)
        made = Shown(self._kinds, required)
        try:
            plain = plain_value(self._asked, kind, details)
        except NotPlainError:
            plain = None
        made.quick = None if plain is None else plain.call
        if plain is None or not plain.is_sure:
            (self if plain is None else self._of_the_rest()).plan(made, inner, details)
        return made

    def plan(self, made: Shown, kind: Any, details: Details) -> None:
        """Add the plan of what is in a value, by its type."""
        made.one = self._object(kind, details) if isinstance(kind, GraphQLObjectType) else None
        made.many = self._list(cast("Any", kind), details) if isinstance(kind, GraphQLList) else None

    def _of_the_rest(self) -> "Compiler":
        """For what is in a value of which something was not ready: that is tried once, and not on each level again."""
        return Compiler(self._schema, self._collect, keeps_moments=self._asked.keeps_moments, tries_ready=False)

    def _arguments(self, kind: GraphQLObjectType, name: str, details: Details) -> Callable[[Any], dict[str, Any]]:
        """What reads the arguments of a field whose resolver is a function."""
        definition: Any = self._schema.get_field(kind, name)
        function = cast("Function", function_of(definition))
        shown = Shown(self._kinds, required=False)
        return FunctionPlan(function, kind, name, details, definition, shown).arguments

    def _list(self, kind: GraphQLList[Any], details: Details) -> ListPlan | None:
        _, inner = without_null(kind.of_type)
        item = self._object(inner, details) if isinstance(inner, GraphQLObjectType) else None
        return None if item is None else ListPlan(item, kind.of_type, details)
