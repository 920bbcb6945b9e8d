"""What holds over the whole schema, for every operation that is there and every one that will come."""

from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

from app.api.schema import NODES, schema_text

_SCHEMA = build_schema(schema_text())
_OWN = [
    kind for kind in _SCHEMA.type_map.values() if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
]
_WORK = {"generation", "generations", "batch"}
_STARTS_NOTHING = {"cancelGeneration", "cancelBatch"}
_MUTATIONS: dict[str, Any] = dict(_SCHEMA.mutation_type.fields) if _SCHEMA.mutation_type else {}


def _undescribed(kind: GraphQLNamedType) -> list[str]:
    missing = [] if kind.description else [kind.name]
    if isinstance(kind, GraphQLEnumType):
        missing += [f"{kind.name}.{name}" for name, value in kind.values.items() if not value.description]
    if isinstance(kind, GraphQLInputObjectType):
        missing += [f"{kind.name}.{name}" for name, given in kind.fields.items() if not given.description]
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            missing += [] if field.description else [f"{kind.name}.{name}"]
            missing += [f"{kind.name}.{name}({arg})" for arg, given in field.args.items() if not given.description]
    return missing


def test_exported_schema_is_what_the_code_says() -> None:
    committed = Path(__file__).parent.parent.parent / "schema.graphql"
    assert committed.read_text(encoding="utf-8") == schema_text(), "run `make schema`"


def test_every_type_field_argument_and_value_is_described() -> None:
    assert [name for kind in _OWN for name in _undescribed(kind)] == []


@pytest.mark.parametrize("name", sorted(_MUTATIONS))
def test_mutation_takes_one_input_and_answers_with_errors(name: str) -> None:
    field = _MUTATIONS[name]
    expected = name[0].upper() + name[1:]
    assert list(field.args) == ["input"]
    payload = field.type
    assert str(field.args["input"].type).rstrip("!") == f"{expected}Input"
    assert isinstance(payload, GraphQLObjectType)
    assert payload.name == f"{expected}Payload"
    assert str(payload.fields["errors"].type) == "[UserError!]!"


@pytest.mark.parametrize("name", sorted(name for name, field in _MUTATIONS.items() if _WORK & {*field.type.fields}))
def test_mutation_that_starts_work_takes_an_idempotency_key(name: str) -> None:
    fields = _MUTATIONS[name].args["input"].type.of_type.fields
    if name in _STARTS_NOTHING:
        assert "idempotencyKey" not in fields
    else:
        assert str(fields["idempotencyKey"].type) == "String"


@pytest.mark.parametrize("kind", [kind for kind in _OWN if kind.name.endswith("Connection")], ids=str)
def test_connection_has_edges_nodes_and_page_info(kind: GraphQLNamedType) -> None:
    assert isinstance(kind, GraphQLObjectType)
    assert {"edges", "nodes", "pageInfo"} <= set(kind.fields)
    assert str(kind.fields["pageInfo"].type) == "PageInfo!"


def test_root_fields_may_be_null_so_that_one_failure_spoils_no_other() -> None:
    for root in (_SCHEMA.query_type, _SCHEMA.mutation_type):
        assert root is not None
        assert [name for name, field in root.fields.items() if isinstance(field.type, GraphQLNonNull)] == []


def test_every_node_can_be_fetched_again() -> None:
    node = _SCHEMA.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {kind.name for kind in _SCHEMA.get_implementations(node).objects} == set(NODES)


def test_what_has_an_id_is_a_node() -> None:
    for kind in _OWN:
        if isinstance(kind, GraphQLObjectType) and "id" in kind.fields:
            assert [interface.name for interface in kind.interfaces] == ["Node"], kind.name
