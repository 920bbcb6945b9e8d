from datetime import UTC, datetime, timedelta

from beanie import PydanticObjectId

from app.accounts.erased import Erased

_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_ADA, _BOB = PydanticObjectId(), PydanticObjectId()


def test_who_is_learned_is_known_until_all_tokens_have_run_out() -> None:
    erased = Erased()
    erased.learn({_ADA: _NOON}, _NOON - timedelta(minutes=30))
    assert (_ADA in erased, _BOB in erased) == (True, False)
    erased.learn({}, _NOON)
    assert _ADA in erased, "a read that began before it was written does not make it forgotten"
    erased.learn({}, _NOON + timedelta(milliseconds=1))
    assert _ADA not in erased


def test_what_is_open_for_a_user_is_closed_once_and_nobody_elses() -> None:
    erased, closed = Erased(), list[str]()
    erased.opened(_ADA, lambda: closed.append("first"))
    erased.opened(_ADA, lambda: closed.append("second"))
    erased.opened(_BOB, lambda: closed.append("bob's"))
    for _ in range(2):
        erased.learn({_ADA: _NOON}, _NOON)
    assert sorted(closed) == ["first", "second"]


def test_what_is_opened_too_late_is_closed_at_once() -> None:
    erased, closed = Erased(), list[str]()
    erased.learn({_ADA: _NOON}, _NOON)
    erased.opened(_ADA, lambda: closed.append("late"))
    assert closed == ["late"]


def test_what_was_left_before_is_not_closed() -> None:
    erased, closed = Erased(), list[str]()
    leave = erased.opened(_ADA, lambda: closed.append("left"))
    leave()
    leave()
    erased.learn({_ADA: _NOON}, _NOON)
    assert closed == []
