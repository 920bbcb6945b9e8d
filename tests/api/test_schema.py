"""What holds over the whole schema, for every operation that is there and every one that will come.

`scripts/lint-schema` holds the rest: descriptions, names, Relay's shapes, what may be null.
"""

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, build_schema

from app.api.schema import NODES, schema_text

_SCHEMA = build_schema(schema_text())
_WORK = {"generation", "generations", "batch"}
_STARTS_NOTHING = {"cancelGeneration", "cancelBatch"}
_MUTATIONS: dict[str, Any] = dict(_SCHEMA.mutation_type.fields) if _SCHEMA.mutation_type else {}


def test_exported_schema_is_what_the_code_says() -> None:
    committed = Path(__file__).parent.parent.parent / "schema.graphql"
    assert committed.read_text(encoding="utf-8") == schema_text(), "run `make schema`"


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


def test_every_node_can_be_fetched_again() -> None:
    node = _SCHEMA.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {kind.name for kind in _SCHEMA.get_implementations(node).objects} == set(NODES)
