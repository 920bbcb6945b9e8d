import asyncio
import time

import pytest

from app.accounts.passwords import HashingCost, PasswordHasher, check_password
from app.errors import AppError, ErrorCode

SLOW = HashingCost(passes=4, memory_kib=16_384, lanes=1)


async def _seconds_of_refusal(hasher: PasswordHasher, password_hash: str | None) -> float:
    started = time.perf_counter()
    assert not await hasher.verify("a wrong guess", password_hash)
    return time.perf_counter() - started


async def test_right_password_is_accepted_and_wrong_one_is_not(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("correct horse")
    assert await hasher.verify("correct horse", stored)
    assert not await hasher.verify("correct hors", stored)


async def test_password_is_hashed_with_argon2id_and_a_salt_of_its_own(hasher: PasswordHasher) -> None:
    one, other = await hasher.hash("correct horse"), await hasher.hash("correct horse")
    assert one.startswith("$argon2id$")
    assert one != other


async def test_composed_and_decomposed_accents_are_one_password(hasher: PasswordHasher) -> None:
    assert await hasher.verify("cafe\u0301 au lait", await hasher.hash("café au lait"))


async def test_lone_surrogate_in_a_password_breaks_nothing(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("half a pair \ud83d")
    assert await hasher.verify("half a pair \ud83d", stored)
    assert not await hasher.verify("half a pair ?", stored)


async def test_unknown_account_takes_the_same_work() -> None:
    hasher = PasswordHasher(SLOW)
    known = await _seconds_of_refusal(hasher, await hasher.hash("correct horse"))
    assert await _seconds_of_refusal(hasher, None) > known / 10


async def test_password_hashing_does_not_block_the_loop() -> None:
    hasher = PasswordHasher(SLOW)
    hashing = asyncio.create_task(hasher.hash("correct horse"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3


async def test_hash_of_another_cost_is_to_be_renewed(hasher: PasswordHasher) -> None:
    dearer = PasswordHasher(HashingCost(passes=2, memory_kib=64, lanes=1))
    stored = await hasher.hash("correct horse")
    assert dearer.needs_rehash(stored)
    assert not hasher.needs_rehash(stored)
    assert await dearer.verify("correct horse", stored)


async def test_crowd_beyond_the_queue_is_sent_away_and_the_rest_is_served() -> None:
    hasher = PasswordHasher(HashingCost(passes=1, memory_kib=64, lanes=1), parallel=1, waiting=2)
    answers = await asyncio.gather(*(hasher.hash("correct horse") for _ in range(5)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, AppError)]
    assert [(error.code, error.retryable) for error in refused] == [(ErrorCode.UNAVAILABLE, True)] * 2
    assert await hasher.hash("the queue is empty again")


async def test_caller_who_hangs_up_keeps_its_slot_until_its_thread_is_free() -> None:
    hasher = PasswordHasher(SLOW, parallel=1, waiting=0)
    hashing = asyncio.create_task(hasher.hash("correct horse"))
    await asyncio.sleep(0.001)
    hashing.cancel()
    await asyncio.sleep(0.001)
    with pytest.raises(AppError):
        await hasher.hash("another one")
    with pytest.raises(asyncio.CancelledError):
        await hashing
    assert await hasher.hash("another one")


@pytest.mark.parametrize("password", ["8 chars!", "e\u0301" * 8, "😀" * 8, "x" * 256, "😀" * 256, " " * 8])
def test_any_8_to_256_characters_are_a_password(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize("password", ["", "7 chars", "x" * 257, "e\u0301" * 7])
def test_other_lengths_are_refused_with_the_rule(password: str) -> None:
    with pytest.raises(AppError, match=r"at (least 8|most 256) characters") as caught:
        check_password(password)
    assert (caught.value.code, caught.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "password"))
