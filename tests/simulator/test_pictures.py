"""Pictures are what was wanted, to the byte."""

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from app.simulator.kept import Kept
from app.simulator.padding import padded
from app.simulator.painting import Motif, paint, unfinished
from app.simulator.pictures import MEDIA_TYPES, Pictures, Wanted
from tests.simulator.conftest import decoded


def _wanted(prompt: str = "a cat", references: tuple[str, ...] = (), format: str = "png") -> Wanted:
    return Wanted(prompt, references, 96, 64, format)


def test_two_that_keep_nothing_of_each_other_make_the_same_bytes() -> None:
    wanted = _wanted("a cat", ("0f",))
    assert Pictures().make(wanted, 3) == Pictures().make(wanted, 3)


@pytest.mark.parametrize(
    "other", [_wanted("a dog"), _wanted(references=("0f",)), Wanted("a cat", (), 96, 64, "png", number=2)]
)
def test_other_prompt_references_or_number_make_another_picture(other: Wanted) -> None:
    pictures = Pictures()
    assert pictures.make(_wanted()).picture != pictures.make(other).picture


def test_picture_names_the_prompts_hash_and_counts_references() -> None:
    motif = _wanted("a cat", ("0f", "1e")).motif()
    assert motif.title == "51e46741"
    assert "2 references" in motif.lines


def test_words_stand_on_the_picture() -> None:
    """With other words on the same motif, pixels differ, and only in the lower half, where they stand."""
    pictures = [paint(Motif("seed", title, ()), 200, 200) for title in ("00000000", "51e46741")]
    box = ImageChops.difference(*pictures).getbbox()
    assert box is not None
    assert box[1] > 80


def test_previews_come_nearer_to_the_picture_step_by_step() -> None:
    picture = paint(_wanted().motif(), 320, 320)
    distances = [
        sum(ImageStat.Stat(ImageChops.difference(picture, unfinished(picture, step))).mean) for step in range(3)
    ]
    assert distances == sorted(distances, reverse=True)
    assert len(set(distances)) == 3


@pytest.mark.parametrize("format", MEDIA_TYPES)
@pytest.mark.parametrize("more", [14, 65_533, 65_534, 65_536, 65_538, 1_000_000])
def test_padding_is_exact_and_leaves_the_picture_alone(format: str, more: int) -> None:
    data = Pictures().make(_wanted(format=format)).picture
    size = (len(data) + more) // 2 * 2
    larger = padded(data, MEDIA_TYPES[format], size)
    assert len(larger) == size
    assert ImageChops.difference(decoded(larger).convert("RGB"), decoded(data).convert("RGB")).getbbox() is None


def test_padding_leaves_a_larger_picture_alone() -> None:
    data = Pictures().make(_wanted()).picture
    assert padded(data, "image/png", 100) == data


def test_small_and_odd_sizes_are_made_too() -> None:
    for width, height in ((16, 16), (10, 2000), (2000, 10)):
        data = Pictures().make(Wanted("a", (), width, height, "jpeg"), 3).picture
        assert Image.open(io.BytesIO(data)).size == (width, height)


def test_what_was_not_asked_for_longest_makes_place() -> None:
    kept = Kept[str, int](10)
    for name, size in (("a", 4), ("b", 4)):
        kept.put(name, 0, size)
    kept.get("a")
    kept.put("c", 0, 4)
    assert [kept.get(name) for name in ("a", "b", "c")] == [0, None, 0]
    kept.put("d", 0, 11)
    assert kept.get("d") is None
    kept.put("e", 0, 10)
    assert kept.pop("e") == 0
