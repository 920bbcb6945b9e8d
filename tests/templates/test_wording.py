from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError, ErrorCode
from app.templates.wording import filled, variables


def _refused(text: str) -> AppError:
    with pytest.raises(AppError) as refusal:
        variables(text, "input", "text")
    return refusal.value


def test_variables_are_named_once_in_the_order_they_come_in() -> None:
    assert variables("{metal} on {ground}, {metal} again") == ("metal", "ground")
    assert variables("no places at all") == ()


def test_doubled_braces_are_braces() -> None:
    assert variables("{{metal}} {{{metal}}}") == ("metal",)
    assert filled("{{metal}} {{{metal}}}", {"metal": "gold"}) == "{metal} {gold}"


@pytest.mark.parametrize("text", ["a { b", "a } b", "{a", "a}", "{a{b}}", "{{a}", "}{"])
def test_brace_on_its_own_is_refused_with_the_way_to_write_it(text: str) -> None:
    refusal = _refused(text)
    assert (refusal.code, refusal.path) == (ErrorCode.BAD_USER_INPUT, ("input", "text"))
    assert "{{" in refusal.message or "}}" in refusal.message


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "1a", "a.b", "a[0]", "a!r", "a:>9", "_a", "ä", "a-b", "a" * 41, "a.__class__", "0"]
)
def test_what_is_no_name_is_no_variable(name: str) -> None:
    assert _refused(f"Make it {{{name}}}").code is ErrorCode.BAD_USER_INPUT


def test_more_variables_than_a_template_may_have_are_refused() -> None:
    assert len(variables("".join(f"{{a{n}}}" for n in range(20)))) == 20
    assert _refused("".join(f"{{a{n}}}" for n in range(21))).path == ("input", "text")


@pytest.mark.parametrize("value", ["{b}", "{{b}}", "{a}", "%(b)s", "${b}", "\\1", "{a.__class__}", "}{"])
def test_value_is_never_looked_at_again(value: str) -> None:
    assert filled("{a}-{b}", {"a": value, "b": "x"}) == f"{value}-x"


@given(st.lists(st.one_of(st.text(), st.sampled_from(["{", "}", "{{", "}}"]))))
def test_text_with_its_braces_doubled_says_what_it_said(parts: list[str]) -> None:
    text = "".join(parts)
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert variables(escaped) == ()
    assert filled(escaped, {}) == text


@given(st.text(alphabet="{}ab ", max_size=40))
def test_any_text_is_filled_in_or_refused(text: str) -> None:
    names = set[str]()
    with suppress(AppError):
        names = set(variables(text))
    if names:
        assert filled(text, dict.fromkeys(names, "{0}")).count("{0}") >= len(names)
