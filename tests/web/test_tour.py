from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

ROOT = Path(__file__).parents[2]
OPERATIONS = sorted((ROOT / "web" / "src" / "tour").glob("*.graphql"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda path: path.stem)
def test_operation_of_the_tour_fits_the_schema(operation: Path) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())

    assert validate(schema, parse(operation.read_text())) == []
