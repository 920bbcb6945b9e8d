"""What waits in a connection does what asyncio's own would."""

import asyncio

from app.inbox import Flag, Inbox


async def test_messages_come_in_their_order_each_to_one_who_waits() -> None:
    inbox, got = Inbox[int](), list[int]()

    async def take() -> None:
        got.append(await inbox.get())

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(take())
        await asyncio.sleep(0)
        for number in range(4):
            inbox.put_nowait(number)
    assert got == [0, 1, 2]
    assert not inbox.empty()
    assert await inbox.get() == 3
    assert inbox.empty()


async def test_who_waits_in_vain_and_gives_up_takes_no_message_along() -> None:
    inbox = Inbox[int]()
    waiting = [asyncio.create_task(inbox.get()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    inbox.put_nowait(1)
    assert await waiting[1] == 1
    assert waiting[0].cancelled()


async def test_all_who_wait_go_on_when_it_is_set_though_it_is_cleared_at_once() -> None:
    flag = Flag()
    waiting = [asyncio.create_task(flag.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    flag.set()
    flag.clear()
    assert [await one for one in waiting] == [True] * 3
    assert not flag.is_set()
    late = asyncio.create_task(flag.wait())
    await asyncio.sleep(0)
    assert not late.done()
    flag.set()
    assert await late
    assert await flag.wait()
