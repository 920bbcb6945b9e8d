"""Nothing of the schema is without a rule: no root field, no argument that names a thing, no type with an id."""

from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, GraphQLString

from app.api.enforcing import enforce
from app.api.rule import PUBLIC, SIGNED_IN, Rule
from app.api.rules import NODES_OF_ADMINISTRATORS, NODES_SEEN_BY, RULES
from app.api.schema import NODES
from app.errors import AppError, ErrorCode
from tests.api.calls import fields_below_that_take_ids, ids_of, root_fields

_LINE = (
    "app/api/rules.py wants a line in RULES for each of these, which says who may call it and what they may name: "
    '`"name": PUBLIC`, `SIGNED_IN` (it touches nothing but what the caller owns), `ADMINISTRATOR`, or '
    '`naming(own("input.id", "Dream"))` and `naming(project(Role.EDITOR, "input.chatId", "Chat"))` with every argument '
    "that takes an id"
)
_FIELDS: dict[str, Any] = {
    **{name: field for _, name, field in root_fields()},
    **dict(fields_below_that_take_ids()),
}


def test_every_root_field_and_every_field_that_takes_an_id_has_a_rule() -> None:
    assert sorted(set(_FIELDS) - set(RULES)) == [], _LINE
    assert sorted(set(RULES) - set(_FIELDS)) == [], "app/api/rules.py has rules of what is not there"


def test_no_two_roots_have_a_field_of_one_name() -> None:
    names = [name for _, name, _ in root_fields()]
    assert len(names) == len(set(names)), "a rule is found by the field's name alone"


@pytest.mark.parametrize("name", sorted(_FIELDS))
def test_every_argument_that_takes_an_id_is_named_by_the_rule(name: str) -> None:
    named = {one.path for one in RULES.get(name, SIGNED_IN).names}
    assert named == {*ids_of(_FIELDS[name])}, f"{_LINE}: {name}"


def test_every_node_has_a_role_that_sees_it() -> None:
    assert sorted(NODES_SEEN_BY) == sorted(NODES), "app/api/rules.py wants a line in NODES_SEEN_BY for each type"
    assert set(NODES) >= NODES_OF_ADMINISTRATORS


def test_rules_name_types_that_there_are() -> None:
    named = {one for rule in RULES.values() for names in rule.names for one in names.types}
    assert sorted(named - set(NODES)) == []


def _opened(rules: dict[str, Rule], who: object) -> object:
    """What the field of a schema answers, which is held to those rules."""
    door = GraphQLField(GraphQLString, resolve=lambda *_: "opened")
    enforce(GraphQLSchema(GraphQLObjectType("Query", {"door": door})), rules)
    answer: Any = door.resolve
    accounts = SimpleNamespace(nobody=lambda: AppError(ErrorCode.UNAUTHENTICATED, "Log in first."))
    context = SimpleNamespace(viewer=who, refused=None, services=SimpleNamespace(accounts=accounts))
    return answer(None, SimpleNamespace(context=context))


@pytest.mark.parametrize("rules", [{}, {"door": SIGNED_IN}], ids=["forgotten", "signed in"])
def test_root_field_asks_for_a_log_in_even_if_its_rule_was_forgotten(rules: dict[str, Rule]) -> None:
    with pytest.raises(AppError) as refused:
        _opened(rules, None)
    assert refused.value.code is ErrorCode.UNAUTHENTICATED
    assert _opened(rules, object()) == "opened"


def test_public_field_is_open_to_anybody() -> None:
    assert _opened({"door": PUBLIC}, None) == "opened"
