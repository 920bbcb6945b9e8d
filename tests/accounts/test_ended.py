from datetime import UTC, datetime, timedelta

from beanie import PydanticObjectId

from app.accounts.ended import Ended

_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_ADA, _BOB = PydanticObjectId(), PydanticObjectId()


def test_who_is_learned_is_known_until_all_tokens_have_run_out() -> None:
    ended = Ended()
    ended.learn({_ADA: _NOON}, _NOON - timedelta(minutes=30))
    assert (_ADA in ended, _BOB in ended) == (True, False)
    ended.learn({}, _NOON)
    assert _ADA in ended, "a read that began before it was written does not make it forgotten"
    ended.learn({}, _NOON + timedelta(milliseconds=1))
    assert _ADA not in ended


def test_what_is_open_for_a_user_is_closed_once_and_nobody_elses() -> None:
    ended, closed = Ended(), list[str]()
    ended.opened(_ADA, lambda: closed.append("first"))
    ended.opened(_ADA, lambda: closed.append("second"))
    ended.opened(_BOB, lambda: closed.append("bob's"))
    for _ in range(2):
        ended.learn({_ADA: _NOON}, _NOON)
    assert sorted(closed) == ["first", "second"]


def test_what_is_opened_too_late_is_closed_at_once() -> None:
    ended, closed = Ended(), list[str]()
    ended.learn({_ADA: _NOON}, _NOON)
    ended.opened(_ADA, lambda: closed.append("late"))
    assert closed == ["late"]


def test_what_was_left_before_is_not_closed() -> None:
    ended, closed = Ended(), list[str]()
    leave = ended.opened(_ADA, lambda: closed.append("left"))
    leave()
    leave()
    ended.learn({_ADA: _NOON}, _NOON)
    assert closed == []
