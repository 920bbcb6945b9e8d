import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.providers.local.wishes import Quality, understand


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("Make it shine", ["more shine"]),
        ("Add gold accents", ["gold tone"]),
        ("Make it brighter", ["brighter"]),
        ("ROSE GOLD", ["rose gold tone"]),
        ("black and white", ["black and white"]),
        ("softer, warmer and more vibrant", ["softer", "warmer", "more vibrant"]),
        ("More contrast! Sharper.", ["more contrast", "sharper"]),
        ("cooler, then silver", ["cooler", "silver tone"]),
    ],
)
def test_wish_is_understood_in_its_order(wish: str, words: list[str]) -> None:
    assert [one.words for one in understand(wish)] == words


@pytest.mark.parametrize(
    ("wish", "quality", "amount"),
    [
        ("slightly brighter", Quality.BRIGHTNESS, 0.5),
        ("a little bit brighter", Quality.BRIGHTNESS, 0.5),
        ("much brighter", Quality.BRIGHTNESS, 1.6),
        ("less bright", Quality.BRIGHTNESS, -1),
        ("a bit less contrast", Quality.CONTRAST, -0.5),
        ("not so warm", Quality.WARMTH, -0.5),
        ("not too bright", Quality.BRIGHTNESS, -0.5),
        ("it's too dark", Quality.BRIGHTNESS, 1),
        ("too cold", Quality.WARMTH, 1),
        ("matte", Quality.SHINE, -1),
        ("less saturated", Quality.VIBRANCE, -1),
    ],
)
def test_degree_and_direction_are_heard(wish: str, quality: Quality, amount: float) -> None:
    (found,) = understand(wish)
    assert (found.quality, found.amount) == (quality, amount)


@pytest.mark.parametrize("wish", ["no gold please", "don't make it darker", "don’t add silver", "without shine"])  # noqa: RUF001 -- the apostrophe that phones type
def test_what_is_not_wanted_is_not_done(wish: str) -> None:
    assert understand(wish) == ()


@pytest.mark.parametrize(
    ("wish", "colour"),
    [
        ("a blue background", (0, 0, 255)),
        ("background: navy", (0, 0, 128)),
        ("on a cream background", (255, 253, 208)),
        ("on a warm beige background", (245, 245, 220)),
        ("Put it on a light blue background", (173, 216, 230)),
        ("change the background colour to rose gold", (183, 110, 121)),
        ("Replace the background with white", (255, 255, 255)),
        ("set the backdrop to off-white", (250, 249, 246)),
        ("background #ff8800", (255, 136, 0)),
        ("against white", (255, 255, 255)),
    ],
)
def test_background_is_understood_and_nothing_else(wish: str, colour: tuple[int, int, int]) -> None:
    (found,) = understand(wish)
    assert (found.quality, found.colour) == (Quality.BACKGROUND, colour)


def test_gold_background_is_no_gold_object() -> None:
    assert [one.quality for one in understand("a gold background")] == [Quality.BACKGROUND]


def test_object_and_background_are_told_apart() -> None:
    found = understand("make the background white and the ring shinier")
    assert [one.words for one in found] == ["white background", "more shine"]


@pytest.mark.parametrize(
    "wish",
    ["", "a marble background", "darker background", "not a blue background", "put it on a beach", "purple monkey"],
)
def test_what_is_beyond_plain_processing_is_ignored(wish: str) -> None:
    assert understand(wish) == ()


WORDS = "not no too so less more slightly much very gold bright warm on a the blue background and with , . #fff".split()  # noqa: SIM905 -- reads better


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_any_order_of_words_gives_bounded_adjustments(words: list[str]) -> None:
    assert all(abs(one.amount) <= 1.6 and one.words for one in understand(" ".join(words)))


@given(st.text(max_size=80))
def test_any_text_is_understood_or_ignored(text: str) -> None:
    assert isinstance(understand(text), tuple)
