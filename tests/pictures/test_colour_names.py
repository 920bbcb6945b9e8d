import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pictures.colour_names import nearest_name
from app.pictures.colours import Colour, find_colour, parse_colour


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 0, 0), "black"),
        ((254, 254, 253), "white"),
        ((250, 3, 10), "red"),
        ((0, 0, 120), "navy"),
        ((128, 130, 127), "grey"),
        ((255, 210, 20), "gold"),
        ((70, 30, 20), "brown"),
        ((135, 205, 240), "sky blue"),
    ],
)
def test_colour_is_called_as_people_call_it(colour: Colour, name: str) -> None:
    assert nearest_name(colour) == name


@pytest.mark.parametrize("name", ["charcoal", "beige", "teal", "light grey", "royal blue", "blush"])
def test_named_colour_has_its_own_name(name: str) -> None:
    assert nearest_name(parse_colour(name)) == name


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_every_colour_has_a_name_that_is_understood(colour: Colour) -> None:
    assert find_colour(nearest_name(colour)) is not None
