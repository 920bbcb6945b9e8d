"""The search for bytes in a text finds them: a search that can't find anything would always be content."""

import base64
import json
import random

import pytest

from tests.faults.traces import traces

_DATA, _OTHER = (random.Random(seed).randbytes(3_000) for seed in (7, 8))  # noqa: S311 - no secrets


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(_DATA).decode(),
        base64.urlsafe_b64encode(_DATA).decode(),
        str({"data": _DATA}),
        json.dumps({"image_url": f"data:image/png;base64,{base64.b64encode(_DATA).decode()}"}),
        f"a request of {base64.b64encode(_DATA).decode()[700:2_000]}",
    ],
)
def test_bytes_are_found_in_whatever_form(text: str) -> None:
    assert any(trace in text for trace in traces(_DATA))


def test_other_bytes_are_not_taken_for_them() -> None:
    assert not any(trace in f"{base64.b64encode(_OTHER).decode()} {_OTHER!r}" for trace in traces(_DATA))
