import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError, ErrorCode
from app.pictures.colours import find_colour, parse_colour


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("white", (255, 255, 255)),
        ("  White ", (255, 255, 255)),
        ("Light Blue", (173, 216, 230)),
        ("light-blue", (173, 216, 230)),
        ("LIGHT_BLUE", (173, 216, 230)),
        ("grey", (128, 128, 128)),
        ("gray", (128, 128, 128)),
        ("rebeccapurple", (102, 51, 153)),
        ("#f80", (255, 136, 0)),
        ("#FF8800", (255, 136, 0)),
        ("cream", (255, 253, 208)),
        ("off-white", (250, 249, 246)),
        ("Rose Gold", (183, 110, 121)),
        ("champagne", (247, 231, 206)),
        ("blush", (244, 214, 210)),
    ],
)
def test_colour_is_understood_however_it_is_written(text: str, colour: tuple[int, int, int]) -> None:
    assert parse_colour(text) == colour


@pytest.mark.parametrize("text", ["", "blurple", "#ff", "#ff88001", "#ggg", "rgb(1,2,3)", "transparent", "#ff8800ff"])
def test_unknown_colour_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(AppError) as refused:
        parse_colour(text)
    assert refused.value.code is ErrorCode.BAD_USER_INPUT
    assert "CSS name" in refused.value.message
    assert "#ff8800" in refused.value.message


def test_refusal_of_a_long_text_stays_short() -> None:
    with pytest.raises(AppError) as refused:
        parse_colour("x" * 10_000)
    assert len(refused.value.message) < 300


@given(st.text(max_size=30))
def test_any_text_is_a_colour_or_none(text: str) -> None:
    colour = find_colour(text)
    assert colour is None or all(0 <= level <= 255 for level in colour)
