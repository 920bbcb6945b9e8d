"""What somebody who writes bytes into a text leaves there."""

import base64
from collections.abc import Iterator

_PIECES, _LENGTH = 7, 36


def traces(data: bytes) -> Iterator[str]:
    """Pieces of its base64, in both alphabets, and of how Python shows it: one of them is in a text that holds it."""
    plain = base64.b64encode(data).decode()
    for written in (plain, plain.replace("+", "-").replace("/", "_"), repr(data)[2:-1]):
        step = max(1, (len(written) - _LENGTH) // _PIECES)
        for start in range(0, max(1, len(written) - _LENGTH), step):
            yield written[start : start + _LENGTH]
