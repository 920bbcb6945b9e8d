"""How often a text that is being written is shown."""

_FIRST_S = 0.5
_AT_THAT_PACE = 8


def text_pace_s(texts: int) -> float:
    """Seconds from the latest of so many to the next: two a second at first, half as many after every eighth.

    However long a text takes, and however often it is begun, its events stay few: about 30 in a minute, about 60 in a
    quarter of an hour.
    """
    return _FIRST_S * float(1 << texts // _AT_THAT_PACE)
