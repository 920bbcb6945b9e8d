"""Texts fit whatever a schema asks for."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from app.simulator.writing import Writer


class Tree(BaseModel):
    name: str
    children: "list[Tree]"


class Chain(BaseModel):
    next: "Chain | None"


_SHAPES: list[Any] = [
    Tree,
    Chain,
    Literal["only"],
    Literal["a", "b"],
    None,
    Annotated[int, Field(ge=7, le=7)],
    Annotated[int, Field(gt=0, lt=3)],
    Annotated[int, Field(multiple_of=5, ge=3, le=12)],
    Annotated[float, Field(ge=0.25, le=0.5)],
    Annotated[int, Field(le=-5)],
    Annotated[str, Field(min_length=300)],
    Annotated[str, Field(max_length=5)],
    Annotated[list[int], Field(min_length=5)],
    Annotated[list[str], Field(max_length=1)],
    int | None,
    str | int,
]


@pytest.mark.parametrize("shape", _SHAPES, ids=str)
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_value_fits_its_schema(shape: Any, seed: str) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(shape)
    adapter.validate_python(Writer(adapter.json_schema(), seed).value(), strict=True)


def test_same_seed_writes_the_same_and_another_one_otherwise() -> None:
    schema = TypeAdapter(Tree).json_schema()
    values = [Writer(schema, seed).value() for seed in ("a", "a", "b")]
    assert values[0] == values[1] != values[2]


def test_several_types_are_one_of_them() -> None:
    schema = {"type": ["string", "null"], "maxLength": 3}
    assert len(Writer(schema, "a").value()) == 3
    joined = {"allOf": [{"type": "object", "properties": {"x": {"type": "integer"}}}], "required": ["x"]}
    assert isinstance(Writer(joined, "a").value()["x"], int)
