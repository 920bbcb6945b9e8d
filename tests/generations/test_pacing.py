from itertools import accumulate

import pytest

from app.generations.pacing import text_pace_s

_MOMENTS_S = list(accumulate(text_pace_s(texts) for texts in range(100)))


def test_text_is_shown_twice_a_second_at_first() -> None:
    assert [text_pace_s(texts) for texts in (0, 7, 8, 16)] == [0.5, 0.5, 1, 2]


@pytest.mark.parametrize(("seconds", "at_most"), [(60, 33), (900, 63)])
def test_texts_stay_few_however_long_one_writes(seconds: float, at_most: int) -> None:
    assert sum(moment <= seconds for moment in _MOMENTS_S) <= at_most
