"""Compiled execution shows what graphql-core shows: data, errors, calls of resolvers, and the order of each."""

import asyncio
import os
from collections import Counter
from functools import partial
from typing import Final

import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.execution.operations import operations
from tests.api.execution.plans import plans, worlds
from tests.api.execution.schemas import built

_FULL = bool(os.environ.get("FULL"))
_SCHEMAS = 420 if _FULL else 15
_OPERATIONS = 6
_WORLDS = 3
_COMPARISONS = 10_000 if _FULL else 300
_TIME_S = 1800
_UNCHECKED: Final = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


@pytest.mark.timeout(_TIME_S)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")  # graphql-core leaves some, too
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_generated_operations_on_generated_schemas_show_the_same() -> None:
    seen = Counter[str]()
    with asyncio.Runner() as runner:

        @settings(
            max_examples=_SCHEMAS,
            suppress_health_check=_UNCHECKED,
            phases=[Phase.generate, Phase.shrink],
            derandomize=True,
            deadline=None,
        )
        @given(st.data())
        def compare(data: st.DataObject) -> None:
            plan = data.draw(plans())
            classes = built(plan)
            ways = classes.ways()
            core = ways.stock._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no public way to the core schema
            asked = [data.draw(operations(core)) for _ in range(_OPERATIONS)]
            for operation in asked:
                assert validate(core, parse(operation.text)) == [], operation.text
            for _ in range(_WORLDS):
                made = data.draw(worlds(plan))
                for operation in asked:
                    for variables in operation.variables:
                        begin = partial(classes.begin, made, operation.root)
                        stock, compiled = runner.run(ways.compare(operation, variables, begin))
                        seen.update(("comparisons", operation.root))
                        seen["with data"] += any(data != "null" for data, _ in stock.answers)
                        seen["with errors"] += any(errors for _, errors in stock.answers)
                        seen["compiled"] += compiled.completed < stock.completed

        compare()
    assert seen["comparisons"] >= _COMPARISONS
    assert seen["with data"] > seen["comparisons"] / 2
    assert seen["with errors"] > seen["comparisons"] / 5
    assert seen["compiled"] > seen["comparisons"] / 3
