from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app.providers.openai.waiting import wait_of

_DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "17"}, 17),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "0", "retry-after": "2"}, 0),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": _DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": _DATE}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_wait_is_in_seconds_whatever_way_it_is_written(headers: dict[str, str], wait_s: float | None) -> None:
    assert wait_of(headers) == wait_s


def test_date_counts_from_now_where_the_answer_has_none() -> None:
    until = datetime.now(UTC) + timedelta(minutes=10)
    wait_s = wait_of({"retry-after": format_datetime(until, usegmt=True)})
    assert wait_s is not None
    assert 500 < wait_s <= 600
