import pytest

from app.api.seats import Seats, SeatsTakenError


def test_each_party_has_so_many_and_each_comes_back_once() -> None:
    seats = Seats(2)
    first, _ = seats.take("ada"), seats.take("ada")
    with pytest.raises(SeatsTakenError, match="At most 2 sockets"):
        seats.take("ada")
    seats.take("bob")
    first()
    first()
    seats.take("ada")
    with pytest.raises(SeatsTakenError):
        seats.take("ada")
    assert len(seats) == 3


def test_without_a_limit_all_are_let_in_and_still_counted() -> None:
    seats = Seats()
    leave = [seats.take("ada") for _ in range(100)]
    assert len(seats) == 100
    for one in leave:
        one()
    assert len(seats) == 0
    seats.take(None)()
