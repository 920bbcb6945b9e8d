"""Moments that people name, as the database keeps them."""

from datetime import UTC, datetime

from app.errors import bad_input


def as_moment(given: datetime, *path: str) -> datetime:
    """The moment in UTC, to the millisecond.

    Raises:
        AppError: BAD_USER_INPUT with that path when it has no time zone, or is in no year from 1 to 9999 in UTC.
    """
    name = path[-1]
    if given.tzinfo is None:
        raise bad_input(f"`{name}` needs a time zone: 2026-11-23T07:00:00Z.", *path)
    try:
        moment = given.astimezone(UTC)
    except OverflowError as error:
        raise bad_input(f"`{name}` is too far away: in UTC it has to be in the years 1 to 9999.", *path) from error
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
