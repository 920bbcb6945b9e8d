"""What every event hub must do, whatever it runs on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from beanie import PydanticObjectId

from app.generations.events import EventType, GenerationEvent
from app.generations.followers import News
from app.generations.ports import EventHub
from tests.contract.conftest import Adapters, OverRedis, RedisServer

pytestmark = pytest.mark.timeout(20)
_MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
_OWNER, _OTHER_OWNER = PydanticObjectId(), PydanticObjectId()


def _news(generation_id: PydanticObjectId, sequence: int) -> News:
    event = GenerationEvent(sequence=sequence, type=EventType.STAGE, at=_MOMENT, stage="drawing", percent=sequence)
    return News(generation_id, event)


async def _publish(hub: EventHub, *all_news: News, owner_id: PydanticObjectId = _OWNER) -> None:
    for news in all_news:
        await hub.publish(owner_id, news.generation_id, news.event)


async def test_events_arrive_in_order_and_whole(adapters: Adapters) -> None:
    ours = PydanticObjectId()
    events = [_news(ours, number) for number in range(1, 21)]
    async with adapters.hub() as hub, hub.follow(_OWNER, ours) as follower:
        await _publish(hub, *events)
        live = follower.news()
        assert [await anext(live) for _ in events] == events


async def test_event_with_all_its_fields_arrives_whole(adapters: Adapters) -> None:
    event = GenerationEvent(
        sequence=1,
        type=EventType.RETRYING,
        at=_MOMENT,
        attempt=2,
        stage="drawing",
        percent=40,
        message="größer\n",
        retry_at=_MOMENT,
        picture_id=PydanticObjectId(),
    )
    async with adapters.hub() as hub, hub.follow(_OWNER, None) as follower:
        news = News(PydanticObjectId(), event)
        await _publish(hub, news)
        assert await anext(follower.news()) == news


async def test_follower_of_one_generation_gets_that_one_only(adapters: Adapters) -> None:
    ours, other = PydanticObjectId(), PydanticObjectId()
    async with adapters.hub() as hub, hub.follow(_OWNER, ours) as one, hub.follow(_OWNER, ours) as two:
        await _publish(hub, _news(other, 9), _news(ours, 1), _news(ours, 2))
        for follower in (one, two):
            live = follower.news()
            assert [await anext(live), await anext(live)] == [_news(ours, 1), _news(ours, 2)]


async def test_follower_of_an_owner_gets_all_generations_of_that_owner(adapters: Adapters) -> None:
    first, second = _news(PydanticObjectId(), 1), _news(PydanticObjectId(), 1)
    async with (
        adapters.hub() as hub,
        hub.follow(_OWNER, None) as follower,
        hub.follow(_OTHER_OWNER, None) as other,
    ):
        await _publish(hub, first, second)
        await _publish(hub, _news(first.generation_id, 7), owner_id=_OTHER_OWNER)
        live = follower.news()
        assert [await anext(live), await anext(live)] == [first, second]
        assert await anext(other.news()) == _news(first.generation_id, 7)


async def test_slow_follower_gets_a_null_and_slows_nobody(adapters: Adapters) -> None:
    ours, many = PydanticObjectId(), 200
    async with adapters.hub() as hub, hub.follow(_OWNER, ours) as one, hub.follow(_OWNER, None) as two:
        slow, quick = one.news(), two.news()
        for number in range(1, many + 1):
            await _publish(hub, _news(ours, number))
            assert await anext(quick) == _news(ours, number)
        assert await anext(slow) is None
        kept = [news async for news in _up_to(slow, many)]
        assert len(kept) < many / 2
        assert kept == [_news(ours, number) for number in range(many - len(kept) + 1, many + 1)]


async def _up_to(live: AsyncIterator[News | None], last: int) -> AsyncIterator[News | None]:
    async for news in live:
        yield news
        if news is not None and news.event.sequence == last:
            return


async def test_follower_who_leaves_is_forgotten(adapters: Adapters) -> None:
    ours = PydanticObjectId()
    async with adapters.hub() as hub:
        async with hub.follow(_OWNER, ours) as first:
            async with hub.follow(_OWNER, ours), hub.follow(_OWNER, None), hub.follow(_OTHER_OWNER, None):
                assert hub.followers.count == 4
                assert set(hub.followers.owners) == {_OWNER, _OTHER_OWNER}
                assert set(hub.followers.whole_owners) == {_OWNER, _OTHER_OWNER}
            assert hub.followers.generations == (ours,)
            assert (hub.followers.owners, hub.followers.whole_owners) == ((_OWNER,), ())
            await _publish(hub, _news(ours, 1))
            assert await anext(first.news()) == _news(ours, 1)
        assert hub.followers.count == 0
        assert not hub.followers.owners + hub.followers.generations
        await _publish(hub, _news(ours, 2))
        async with hub.follow(_OWNER, ours) as again:
            await _publish(hub, _news(ours, 3))
            assert await anext(again.news()) == _news(ours, 3)


async def test_comparing_tells_only_those_who_are_behind(adapters: Adapters) -> None:
    ours, other = PydanticObjectId(), PydanticObjectId()
    async with (
        adapters.hub() as hub,
        hub.follow(_OWNER, ours) as behind,
        hub.follow(_OWNER, None) as behind_with_all,
        hub.follow(_OWNER, ours) as done,
        hub.follow(_OWNER, other) as elsewhere,
    ):
        behind.seen[ours], done.seen[ours] = 4, 5
        hub.followers.compare(_OWNER, ours, 5)
        hub.followers.compare(_OTHER_OWNER, ours, 9)
        await _publish(hub, _news(ours, 6), _news(other, 1))
        assert await anext(behind.news()) is None
        assert await anext(behind_with_all.news()) is None
        assert await anext(done.news()) == _news(ours, 6)
        assert await anext(elsewhere.news()) == _news(other, 1)


async def test_comparing_spares_who_has_the_event_still_to_read(adapters: Adapters) -> None:
    ours = PydanticObjectId()
    async with adapters.hub() as hub, hub.follow(_OWNER, None) as all_of_it, hub.follow(_OWNER, ours) as one:
        for follower in (all_of_it, one):
            follower.offer(_news(ours, 5))
        hub.followers.compare(_OWNER, ours, 5)
        assert [await anext(follower.news()) for follower in (all_of_it, one)] == [_news(ours, 5)] * 2
        hub.followers.compare(_OWNER, ours, 6)
        assert [await anext(follower.news()) for follower in (all_of_it, one)] == [None] * 2


async def test_miss_all_tells_every_follower(adapters: Adapters) -> None:
    async with (
        adapters.hub() as hub,
        hub.follow(_OWNER, PydanticObjectId()) as one,
        hub.follow(_OTHER_OWNER, None) as two,
    ):
        hub.followers.miss_all()
        assert [await anext(follower.news()) for follower in (one, two)] == [None, None]


async def test_call_off_is_heard_by_all_who_listen(adapters: Adapters) -> None:
    first, second = PydanticObjectId(), PydanticObjectId()
    async with adapters.hub() as hub:
        await hub.call_off(PydanticObjectId())
        async with hub.called_off() as one:
            async with hub.called_off() as two:
                await hub.call_off(first)
                assert [await anext(one), await anext(two)] == [first, first]
            await hub.call_off(second)
            assert await anext(one) == second


async def test_of_too_many_call_offs_the_oldest_are_dropped(adapters: Adapters) -> None:
    ids = [PydanticObjectId() for _ in range(300)]
    async with adapters.hub() as hub, hub.called_off() as slow, hub.called_off() as quick:
        for generation_id in ids:
            await hub.call_off(generation_id)
            assert await anext(quick) == generation_id
        kept = [await anext(slow)]
        while kept[-1] != ids[-1]:
            kept.append(await anext(slow))
        assert kept == ids[-len(kept) :]
        assert 100 < len(kept) < 300


async def test_event_of_one_process_reaches_followers_in_another(over_redis: OverRedis) -> None:
    news = _news(PydanticObjectId(), 1)
    async with over_redis.hub() as api, over_redis.hub() as worker, api.follow(_OWNER, None) as follower:
        await _publish(worker, news)
        assert await anext(follower.news()) == news


async def test_call_off_of_one_process_is_heard_in_another(over_redis: OverRedis) -> None:
    generation_id = PydanticObjectId()
    async with over_redis.hub() as api, over_redis.hub() as worker, worker.called_off() as ids:
        await api.call_off(generation_id)
        assert await anext(ids) == generation_id


async def test_process_subscribes_once_to_an_owner_and_only_while_one_follows(
    over_redis: OverRedis, redis_server: RedisServer
) -> None:
    channel = f"regen:owner:{_OWNER}"
    async with over_redis.hub() as hub, over_redis.hub():
        async with hub.follow(_OWNER, None):
            async with hub.follow(_OWNER, PydanticObjectId()):
                assert redis_server.subscribers(channel) == 1
            async with hub.follow(_OTHER_OWNER, None):  # what was sent before it is done
                assert redis_server.subscribers(channel) == 1
        async with hub.follow(_OTHER_OWNER, None), hub.called_off():
            assert redis_server.subscribers(channel) == 0
            assert redis_server.subscribers("regen:called-off") == 1
