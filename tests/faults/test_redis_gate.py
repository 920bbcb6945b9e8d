"""The gate before Redis loses exactly what it is told to lose."""

import asyncio
from collections.abc import AsyncIterator, Generator

import pytest

from tests.contract.conftest import RedisServer, running_redis
from tests.faults.redis_gate import RedisGate, redis_gate_before

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def gate(redis: RedisServer) -> AsyncIterator[RedisGate]:
    async with redis_gate_before(redis.url) as gate:
        yield gate


class Person:
    """Speaks to Redis in its own words."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def at(cls, port: int) -> "Person":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def says(self, *words: str) -> None:
        self.writer.write(b"*%d\r\n" % len(words))
        for word in words:
            self.writer.write(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()))
        await self.writer.drain()

    async def hears(self, raw: bytes) -> None:
        assert await self.reader.readexactly(len(raw)) == raw

    def leaves(self) -> None:
        self.writer.transport.abort()


@pytest.fixture
async def publisher(redis: RedisServer) -> AsyncIterator[Person]:
    person = await Person.at(redis.port)
    yield person
    person.leaves()


async def _subscribed(gate: RedisGate, kind: bytes) -> Person:
    person = await Person.at(gate.own_port)
    if kind == b">":
        await person.says("HELLO", "3")
        assert (await person.reader.readuntil(b"modules\r\n*0\r\n")).startswith(b"%7\r\n")
    await person.says("SUBSCRIBE", "news")
    await person.hears(kind + b"3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
    return person


def _message(kind: bytes, text: bytes) -> bytes:
    return kind + b"3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$%d\r\n%s\r\n" % (len(text), text)


async def _publish(publisher: Person, *texts: str) -> None:
    for text in texts:
        await publisher.says("PUBLISH", "news", text)
        await publisher.hears(b":1\r\n")


@pytest.mark.parametrize("kind", [b">", b"*"], ids=["RESP3", "RESP2"])
async def test_next_message_is_lost_and_no_other(gate: RedisGate, publisher: Person, kind: bytes) -> None:
    subscriber = await _subscribed(gate, kind)
    await _publish(publisher, "one")
    await subscriber.hears(_message(kind, b"one"))
    gate.lose(1)
    await _publish(publisher, "two", "three\r\n>3")
    await subscriber.hears(_message(kind, b"three\r\n>3"))
    assert [message.payload for message in gate.lost] == [b"two"]
    assert [message.payload for message in gate.delivered] == [b"one", b"three\r\n>3"]
    subscriber.leaves()


async def test_only_messages_that_match_are_lost(gate: RedisGate, publisher: Person) -> None:
    subscriber = await _subscribed(gate, b">")
    gate.lose(2, lambda message: message.channel == "news" and b"SUCCEEDED" in message.payload)
    await _publish(publisher, "SUCCEEDED 1", "STAGE", "SUCCEEDED 2", "SUCCEEDED 3")
    await gate.until_lost(2)
    await subscriber.hears(_message(b">", b"STAGE") + _message(b">", b"SUCCEEDED 3"))
    subscriber.leaves()


async def test_answers_to_commands_pass_untouched(gate: RedisGate) -> None:
    person = await Person.at(gate.own_port)
    gate.lose(5)
    long = "x" * 3_000_000
    for words, answer in (
        (("SET", "word", "message"), b"+OK\r\n"),
        (("GET", "word"), b"$7\r\nmessage\r\n"),
        (("GET", "nothing"), b"$-1\r\n"),
        (("RPUSH", "words", "a", "b"), b":2\r\n"),
        (("LRANGE", "words", "0", "-1"), b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
        (("SET", "long", long), b"+OK\r\n"),
        (("GET", "long"), b"$3000000\r\n%s\r\n" % long.encode()),
    ):
        await person.says(*words)
        await person.hears(answer)
    assert gate.lost == []
    person.leaves()


async def test_frozen_gate_and_paused_server_answer_late(gate: RedisGate, redis: RedisServer) -> None:
    person = await Person.at(gate.own_port)
    for stop, go in ((gate.freeze, gate.thaw), (redis.pause, redis.resume)):
        stop()
        await person.says("PING")
        reading = asyncio.create_task(person.hears(b"+PONG\r\n"))
        done, _ = await asyncio.wait([reading], timeout=0.2)
        assert not done
        go()
        await reading
    person.leaves()


async def test_cut_connection_ends(gate: RedisGate) -> None:
    person = await Person.at(gate.own_port)
    await person.says("PING")
    await person.hears(b"+PONG\r\n")
    gate.cut()
    assert await person.reader.read() == b""
    assert gate.connections == 0
    person.leaves()
