"""Schemas and their worlds as Hypothesis draws them."""

from collections.abc import Mapping
from typing import Final

from hypothesis import strategies as st

from tests.api.execution.leaves import ARGUMENTS, FAULTS, GOOD, LEAVES, WRONG
from tests.api.execution.shapes import (
    BOXES,
    INTERFACES,
    OBJECTS,
    ROOTS,
    UNIONS,
    Class,
    Manner,
    Plan,
    Shape,
    Sketch,
    Sure,
    fields_of_box,
)
from tests.api.execution.values import CONTAINERS, Const, Later, Made, Many, Raised, Recipe, Ref

_FIELDS: Final = tuple(f"f{number}" for number in range(9))
_NAMES: Final = (*LEAVES, *LEAVES, *OBJECTS, *OBJECTS, *OBJECTS, *INTERFACES, *INTERFACES, *UNIONS, *BOXES)
_PLAIN: Final = (Manner.ATTRIBUTE,) * 6 + (
    Manner.PROPERTY,
    Manner.RENAMED,
    Manner.ALLOWED,
    Manner.DENIED,
    Manner.DENIED_LATER,
)
_RESOLVED: Final = tuple(one for one in Manner if one not in _PLAIN)
_MANNERS: Final = (*_PLAIN, *_PLAIN, *_RESOLVED)
_OTHER: Final = 4
_NESTED: Final = 5
_HERE: Final = 2
"""Objects of each class in a world."""


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A schema: types whose fields are of each other, in every manner."""
    sketches = {name: draw(_sketches()) for name in _FIELDS}
    classes = dict[str, Class]()
    for name in INTERFACES:
        parents = draw(st.sampled_from([(), ("I0",)])) if name == "I1" else ()
        classes[name] = Class(draw(_chosen(sketches, 1, 2)), parents)
    for name in OBJECTS:
        parents = draw(
            st.sampled_from([(), (), ("I0",), ("I1",), ("I0", "I1") if not classes["I1"].parents else ("I1",)])
        )
        if name == "T3":
            parents = draw(st.sampled_from([parents, ("T0",)]))
        sure = draw(st.sampled_from([Sure.BY_CLASS] * 6 + list(Sure)[1:]))
        classes[name] = Class(
            draw(_chosen(sketches, 2, 5)), parents, sure, touchy=draw(st.integers(0, 5)) == 5 and not parents
        )
    for name in ROOTS:
        classes[name] = Class(draw(_chosen(sketches, 3, 6)))
    for name in BOXES:
        classes[name] = Class(fields_of_box())
    members = draw(st.sampled_from([("T0", "T1"), ("T1", "T2"), ("T0", "T1", "T2", "T3")]))
    return Plan(sketches, classes, members, watched=draw(st.integers(0, 19)) == 19)


@st.composite
def _sketches(draw: st.DrawFn) -> Sketch:
    shape = Shape(draw(st.sampled_from(_NAMES)), nullable=draw(st.booleans()))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        shape = Shape(of=shape, nullable=draw(st.booleans()))
    arguments: tuple[str, ...] = ()
    if draw(st.integers(0, 3)) == 3:
        arguments = tuple(draw(st.lists(st.sampled_from(tuple(ARGUMENTS)), max_size=3, unique=True)))
    return Sketch(shape, arguments)


@st.composite
def _chosen(draw: st.DrawFn, sketches: Mapping[str, Sketch], least: int, most: int) -> Mapping[str, Manner]:
    names = draw(st.lists(st.sampled_from(_FIELDS), min_size=least, max_size=most, unique=True))
    return {name: _fitting(sketches[name], draw(st.integers(0, 999))) for name in names}


def _fitting(sketch: Sketch, number: int) -> Manner:
    manners = _RESOLVED if sketch.arguments else _MANNERS
    manner = manners[number % len(manners)]
    may_be_silent = sketch.shape.nullable or sketch.shape.of
    return Manner.RESOLVER if manner is Manner.DENIED_SILENTLY and not may_be_silent else manner


@st.composite
def worlds(draw: st.DrawFn, plan: Plan) -> Mapping[str, tuple[Made, ...]]:
    """Objects of each class that has any, and of the roots; some worlds are in order."""
    wrong = draw(st.sampled_from([0, 1, 3, 8, 25]))
    made = dict[str, tuple[Made, ...]]()
    for name in plan.classes:
        if name not in INTERFACES:
            count = 1 if name in ROOTS else _HERE
            made[name] = tuple(_object(draw, plan, name, wrong) for _ in range(count))
    return made


def _object(draw: st.DrawFn, plan: Plan, name: str, wrong: int) -> Made:
    held = dict[str, Recipe]()
    for field, manner in plan.fields(name).items():
        recipe = _value(draw, plan, plan.shape(name, field), wrong)
        if name == "Subscription":
            recipe = Many(tuple(_value(draw, plan, plan.shape(name, field), wrong) for _ in range(2)))
        held[f"{field}_" if manner is Manner.RENAMED else field] = recipe
    number = draw(st.integers(0, 99)) if wrong else 0
    sort = "own" if name in ROOTS or number < 90 else "sub" if number < 95 else "stranger"
    cast = (name, *OBJECTS)[number % 5] if number > 75 and name not in ROOTS and number % 2 else None
    return Made(name, held, sort, allowed=number % 10 != 7, cast=cast)


def _value(draw: st.DrawFn, plan: Plan, shape: Shape, wrong: int, *, deep: bool = False) -> Recipe:
    number = draw(st.integers(0, 99))
    if number >= 100 - wrong:
        return _wrong(draw, plan, shape, wrong)
    if number >= 97 and wrong:
        return Later(_value(draw, plan, shape, wrong), number % 3)
    if shape.nullable and number % 8 == 7:
        return Const(None)
    if shape.of:
        count = (number * 7) % (2 if deep else 4)
        kind = tuple(CONTAINERS)[number % len(CONTAINERS)] if number > 80 else "list"
        return Many(tuple(_value(draw, plan, shape.of, wrong, deep=True) for _ in range(count)), kind)
    if shape.name in LEAVES:
        return Const(GOOD[shape.name][number % len(GOOD[shape.name])])
    names = plan.possible(shape.name)
    return Ref(names[number % len(names)], number % _HERE) if names else Const(None)


def _wrong(draw: st.DrawFn, plan: Plan, shape: Shape, wrong: int) -> Recipe:
    number = draw(st.integers(0, 7))
    if number in {1, 2, 3}:
        fault = FAULTS[draw(st.integers(0, len(FAULTS) - 1))]
        failing = (fault, Raised(fault), Later(Raised(fault), draw(st.integers(0, 2))))
        return failing[number - 1]
    if number == _OTHER:
        return Ref(draw(st.sampled_from(OBJECTS)))
    if number == _NESTED:
        return _value(draw, plan, shape.of, wrong) if shape.of else Many((_value(draw, plan, shape, wrong),))
    return Const(draw(st.sampled_from(WRONG)))
