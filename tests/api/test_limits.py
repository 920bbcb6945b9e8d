import time

from graphql import build_schema, parse, validate

from app.api.limits import MAX, OperationSize

_SCHEMA = build_schema("type Query { a: Query b: Int }")


def _codes(query: str) -> list[str]:
    return [str((error.extensions or {})["code"]) for error in validate(_SCHEMA, parse(query), [OperationSize])]


def _nested(depth: int) -> str:
    return "{ a " * depth + "{ b }" + " }" * depth


def test_operation_within_the_limits_passes() -> None:
    assert _codes(_nested(MAX.depth - 1)) == []
    assert _codes("{ " + " ".join(f"x{i}: b" for i in range(MAX.aliases)) + " }") == []


def test_each_limit_is_held() -> None:
    assert _codes(_nested(MAX.depth + 1)) == ["QUERY_TOO_COMPLEX"]
    assert _codes("{ " + " ".join(f"x{i}: b" for i in range(MAX.aliases + 1)) + " }") == ["QUERY_TOO_COMPLEX"]
    assert _codes("{ b " + "@skip(if: false) " * (MAX.directives + 1) + "}") == ["QUERY_TOO_COMPLEX"]
    assert _codes("{ " + "b " * (MAX.fields + 1) + "}") == ["QUERY_TOO_COMPLEX"]


def test_fragments_count_where_they_are_spread_and_are_measured_once() -> None:
    chain = " ".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(60))
    started = time.process_time()
    codes = _codes(f"{{ ...f0 }} {chain} fragment f60 on Query {{ b }}")
    assert set(codes) == {"QUERY_TOO_COMPLEX"}
    assert time.process_time() - started < 1


def test_circle_of_fragments_ends() -> None:
    assert _codes("{ ...f } fragment f on Query { a { ...f } }") == []


def test_introspection_is_exempt() -> None:
    assert _codes("{ __schema { types { fields { type { ofType { ofType { ofType { name } } } } } } } }") == []
