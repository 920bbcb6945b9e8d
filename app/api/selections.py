"""What an operation asks for below a field, known before anything of it is read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, cast

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
)

from app.api.context import Info
from app.api.execution.kept import Kept

_STORE: Final = "regen.selections"
_UNKNOWN_WEIGHT: Final = 1_000
_WAYS_MAX: Final = 64
"""In which the variables of one operation may decide."""
_CONDITIONS: Final = MappingProxyType({"include": True, "skip": False})
"""The directives that ask whether something is wanted, and the answer that it then has to be."""

type _Fragments = Mapping[str, FragmentDefinitionNode]
type _Part = FieldNode | FragmentSpreadNode | InlineFragmentNode
type _Decided = Mapping[str, bool]
"""The variables that decide what is asked for."""


class Selected:
    """The names of the fields that are asked for, and what is asked for below each.

    It may name more than is answered, never less: the types of fragments and the arguments of fields are not looked
    at, and a field that is asked for under several names is one.
    """

    def __init__(self, sets: Sequence[SelectionSetNode], fragments: _Fragments, decided: _Decided) -> None:
        self._sets, self._fragments, self._decided = sets, fragments, decided
        self._below = dict[str, Selected]()

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def below(self, name: str) -> "Selected":
        """What is asked for below a field; nothing for one that is not asked for."""
        if name not in self._below:
            self._below[name] = Selected(self._fields.get(name, ()), self._fragments, self._decided)
        return self._below[name]

    @cached_property
    def nodes(self) -> "Selected":
        """What is asked for of the objects of a connection."""
        sets = (*self._fields.get("nodes", ()), *self.below("edges")._fields.get("node", ()))
        return Selected(sets, self._fragments, self._decided)

    @cached_property
    def names(self) -> frozenset[str]:
        """Whatever is asked for at any depth, also where a directive says that it is not wanted."""
        below = _everything_below(self._sets, self._fragments)
        return frozenset(part.name.value for part in below if isinstance(part, FieldNode))

    @cached_property
    def names_below(self) -> frozenset[str]:
        """The same, but for what is asked for right here and nowhere deeper."""
        return frozenset[str]().union(*(self.below(name).names for name in self))

    @cached_property
    def _fields(self) -> Mapping[str, list[SelectionSetNode]]:
        found = defaultdict[str, list[SelectionSetNode]](list)
        spread, left = set[str](), list(self._sets)
        while left:
            for part in _parts(left.pop()):
                if not _is_wanted(part.directives, self._decided):
                    continue
                if isinstance(part, FieldNode):
                    found[part.name.value] += [part.selection_set] if part.selection_set else []
                elif isinstance(part, InlineFragmentNode):
                    left.append(part.selection_set)
                elif part.name.value not in spread:
                    spread.add(part.name.value)
                    left.append(self._fragments[part.name.value].selection_set)
        return dict(found)


@dataclass(frozen=True, slots=True)
class _Known:
    """A field of an operation: its nodes, the variables that decide what is below it, and what that is by them."""

    nodes: Sequence[FieldNode]
    deciding: Sequence[str]
    found: dict[tuple[bool, ...], Selected] = field(default_factory=dict[tuple[bool, ...], Selected])


type _Place = tuple[int, ...]
"""The numbers of a field's nodes, which are no others' as long as the nodes are kept."""


def selected(info: Info) -> Selected:
    """What is asked for below the field that is being answered; remembered for the next time of the same operation."""
    raw = cast("Any", info._raw_info)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportUnknownMemberType] - nobody else has the operation's own nodes
    place = tuple(map(id, raw.field_nodes))
    kept: Kept[_Place, _Known] = raw.schema.extensions.setdefault(_STORE, Kept[_Place, _Known]())
    known = kept.find(place)
    if known is None:
        known = _Known(raw.field_nodes, _deciding(raw.field_nodes, raw.fragments))
        kept.keep(place, known, len(raw.operation.loc.source.body) if raw.operation.loc else _UNKNOWN_WEIGHT)
    values = tuple(bool(info.variable_values.get(name)) for name in known.deciding) if known.deciding else ()
    if values not in known.found:
        if len(known.found) >= _WAYS_MAX:
            known.found.clear()
        sets = [one.selection_set for one in raw.field_nodes if one.selection_set]
        known.found[values] = Selected(sets, raw.fragments, dict(zip(known.deciding, values, strict=True)))
    return known.found[values]


def _deciding(nodes: Iterable[FieldNode], fragments: _Fragments) -> list[str]:
    """The names of the variables that `@skip` and `@include` ask anywhere below those nodes."""
    below = _everything_below([node.selection_set for node in nodes if node.selection_set], fragments)
    return list({condition.name.value: None for part in below for condition in _conditions(part.directives)})


def _everything_below(sets: Iterable[SelectionSetNode], fragments: _Fragments) -> Iterator[_Part]:
    """At any depth, whatever directives say; a fragment's once."""
    spread, left = set[str](), list(sets)
    while left:
        for part in _parts(left.pop()):
            yield part
            if not isinstance(part, FragmentSpreadNode):
                left += [part.selection_set] if part.selection_set else []
            elif part.name.value not in spread:
                spread.add(part.name.value)
                left.append(fragments[part.name.value].selection_set)


def _parts(within: SelectionSetNode) -> Sequence[_Part]:
    return within.selections  # type: ignore[return-value] # pyright: ignore[reportReturnType] - there is no other kind of selection


def _is_wanted(directives: Iterable[DirectiveNode] | None, decided: _Decided) -> bool:
    for one in directives or ():
        value = one.arguments[0].value if one.name.value in _CONDITIONS and one.arguments else None
        if isinstance(value, VariableNode):
            holds = decided[value.name.value]
        elif isinstance(value, BooleanValueNode):
            holds = value.value
        else:
            continue
        if holds is not _CONDITIONS[one.name.value]:
            return False
    return True


def _conditions(directives: Iterable[DirectiveNode] | None) -> Iterator[VariableNode]:
    for one in directives or ():
        if one.name.value in _CONDITIONS:
            yield from (argument.value for argument in one.arguments or () if isinstance(argument.value, VariableNode))
