from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from app.providers.local.adjustments import adjust
from app.providers.local.wishes import understand

type Pixels = npt.NDArray[np.uint8]

CAR = np.array(Image.open(Path(__file__).parents[1] / "photos" / "car-1.jpg").convert("RGB"), dtype=np.uint8)


def after(wish: str, colours: Pixels = CAR, alpha: Pixels | None = None) -> Pixels:
    changed = colours.copy()
    for adjustment in understand(wish):
        adjust(changed, adjustment, alpha)
    return changed


def saturation(colours: Pixels) -> float:
    return float((colours.max(axis=-1).astype(int) - colours.min(axis=-1)).mean())


def warmth(colours: Pixels) -> float:
    return float(colours[..., 0].mean() - colours[..., 2].mean())


def roughness(colours: Pixels) -> float:
    return float(np.abs(np.diff(colours.astype(int), axis=1)).mean())


def test_brighter_and_darker_change_the_light() -> None:
    assert after("much brighter").mean() > after("brighter").mean() > after("slightly brighter").mean() > CAR.mean()
    assert after("darker").mean() < after("not so bright").mean() < CAR.mean()


def test_brightness_keeps_black_and_white() -> None:
    ends = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    assert np.array_equal(after("much brighter, much darker", ends), ends)


def test_vibrance_changes_saturation_alone() -> None:
    assert saturation(after("more vibrant")) > saturation(CAR) > saturation(after("less vibrant"))
    assert abs(after("more vibrant").mean() - CAR.mean()) < 3


def test_warmer_is_redder_and_cooler_bluer() -> None:
    assert warmth(after("warmer")) > warmth(CAR) > warmth(after("cooler"))


def test_contrast_spreads_the_levels() -> None:
    assert after("more contrast").std() > CAR.std() > after("less contrast").std()


def test_sharper_and_softer_change_detail() -> None:
    assert roughness(after("sharper")) > roughness(CAR) > roughness(after("softer"))


def test_shine_lifts_the_highlights() -> None:
    assert np.percentile(after("shiny"), 95) > np.percentile(CAR, 95)
    assert np.percentile(after("matte"), 95) < np.percentile(CAR, 95)


def test_black_and_white_has_no_colour() -> None:
    assert saturation(after("black and white")) < 1


@pytest.mark.parametrize(("metal", "order"), [("gold", (0, 1, 2)), ("rose gold", (0, 1, 2)), ("silver", None)])
def test_metal_takes_on_its_colour(metal: str, order: tuple[int, int, int] | None) -> None:
    grey = np.full((8, 8, 3), 140, dtype=np.uint8)
    levels = after(metal, grey)[0, 0].astype(int)
    if order is None:
        assert levels.max() - levels.min() < 10
    else:
        assert levels[0] > levels[1] > levels[2]


def test_gold_becomes_silver_and_a_sapphire_stays_blue() -> None:
    gold = np.full((8, 8, 3), (200, 150, 50), dtype=np.uint8)
    sapphire = np.full((8, 8, 3), (15, 82, 186), dtype=np.uint8)
    assert saturation(after("silver", gold)) < saturation(gold) / 2
    assert np.array_equal(after("silver", sapphire), sapphire)


@pytest.mark.parametrize("wish", ["brighter", "gold", "shine", "sharper", "warmer", "black and white"])
def test_outside_of_the_object_nothing_changes(wish: str) -> None:
    alpha = np.zeros(CAR.shape[:2], dtype=np.uint8)
    alpha[100:200, 100:300] = 255
    changed = after(wish, CAR, alpha)
    assert np.array_equal(changed[alpha == 0], CAR[alpha == 0])
    assert not np.array_equal(changed[alpha == 255], CAR[alpha == 255])
