"""What a call costs is computed from the operator's own prices, and never guessed."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from app.costs.prices import PriceList, PricesError, amount, micros
from app.costs.usage import Unit, of_one_call

_README = Path(__file__).parent.parent.parent / "README.md"
_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _line(**more: object) -> dict[str, object]:
    usual = {"model": "m", "unit": "outputImageTokens", "amount": "30", "per": 1_000_000, "currency": "USD"}
    return {**usual, "since": "2026-01-01", **more}


def _prices(*lines: dict[str, object]) -> PriceList:
    return PriceList.parse(json.dumps(lines))


def test_tokens_are_charged_by_kind() -> None:
    prices = _prices(_line(), _line(unit="inputTextTokens", amount="0.5"))
    usage = {Unit.INPUT_TEXT_TOKENS: 1000, Unit.OUTPUT_IMAGE_TOKENS: 1290, Unit.CALLS: 1}
    assert prices.cost("m", usage, _NOON) == 39_200
    assert prices.currency == "USD"


def test_cost_is_unknown_when_one_kind_of_tokens_has_no_price() -> None:
    assert _prices(_line()).cost("m", {Unit.INPUT_TEXT_TOKENS: 1, Unit.OUTPUT_IMAGE_TOKENS: 9}, _NOON) is None


def test_kind_of_tokens_that_was_not_used_needs_no_price() -> None:
    assert _prices(_line()).cost("m", {Unit.INPUT_TEXT_TOKENS: 0, Unit.OUTPUT_IMAGE_TOKENS: 10}, _NOON) == 300


@pytest.mark.parametrize(
    ("model", "usage"), [("other", {Unit.OUTPUT_IMAGE_TOKENS: 9}), ("m", {}), ("m", {Unit.CALLS: 1})]
)
def test_cost_is_unknown_without_a_price_and_without_a_usage(model: str, usage: dict[Unit, int]) -> None:
    assert _prices(_line()).cost(model, usage, _NOON) is None


def test_flat_price_covers_tokens_that_have_none() -> None:
    used = {Unit.OUTPUT_IMAGE_TOKENS: 1290, Unit.PICTURES: 2}
    assert _prices(_line(unit="pictures", amount="0.04", per=1)).cost("m", used, _NOON) == 80_000
    assert _prices(_line(unit="calls", amount="0.01", per=1)).cost("m", of_one_call(used), _NOON) == 10_000


def test_price_of_pictures_says_nothing_about_a_call_whose_pictures_are_unknown() -> None:
    assert _prices(_line(unit="pictures", amount="0.04", per=1)).cost("m", of_one_call({}), _NOON) is None


def test_price_is_the_latest_that_was_valid_when_the_call_began() -> None:
    old, new = _line(unit="calls", amount="1", per=1), _line(unit="calls", amount="2", per=1, since="2026-11-23")
    prices = _prices(new, old)
    assert prices.cost("m", {Unit.CALLS: 1}, datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)) == 1_000_000
    assert prices.cost("m", {Unit.CALLS: 1}, datetime(2026, 11, 23, tzinfo=UTC)) == 2_000_000
    assert prices.cost("m", {Unit.CALLS: 1}, datetime(2025, 12, 31, tzinfo=UTC)) is None


def test_third_of_a_micro_is_rounded_once_and_not_for_each_unit() -> None:
    prices = _prices(_line(amount="1", per=3_000_000))
    assert prices.cost("m", {Unit.OUTPUT_IMAGE_TOKENS: 3_000}, _NOON) == 1_000


def test_amounts_are_exact_both_ways() -> None:
    assert [f"{amount(one)}" for one in (0, 1, 39_200, 5_000_000, 120_000_000)] == [
        "0",
        "0.000001",
        "0.0392",
        "5",
        "120",
    ]
    assert micros(Decimal("0.1")) * 10 == micros(Decimal(1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "a JSON list like"),
        ('{"m": 1}', "a JSON list like"),
        (json.dumps([_line(), _line(amount=0.04)]), "in entry 2, amount: a decimal as text"),
        (json.dumps([_line(amount="-1")]), "in entry 1, amount: a decimal as text"),
        (json.dumps([_line(unit="image")]), "in entry 1, unit: one of inputTextTokens, "),
        (json.dumps([_line(since="now")]), "in entry 1, since: a date like"),
        (json.dumps([_line(per=0)]), "in entry 1, per: a whole number from 1"),
        (json.dumps([_line(currency="Dollar")]), "in entry 1, currency: three capital letters"),
        (json.dumps([_line(price="1")]), "in entry 1, price: "),
        (json.dumps([_line(), _line(unit="calls", currency="EUR")]), "one currency for all, not EUR and USD"),
        (json.dumps([_line(), _line(amount="2")]), "one price for outputImageTokens of m since 2026-01-01, not two"),
    ],
)
def test_list_that_cannot_be_used_is_refused_with_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(PricesError) as refused:
        PriceList.parse(text)
    assert said in str(refused.value)


def test_readmes_example_is_a_list_that_can_be_used() -> None:
    (text,) = re.findall(r"PRICES='(.*?)'", _README.read_text(encoding="utf-8"), re.DOTALL)
    assert PriceList.parse(text).currency == "USD"
