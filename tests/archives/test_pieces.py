"""Progress of many pieces is told in few events."""

from app.archives.pieces import Pieces
from app.generations.model import Status
from app.generations.work import Work
from tests.generations.conftest import MakeEngine, make_engine

__all__ = ["make_engine"]


async def test_thousand_pieces_are_told_in_a_few_steps(make_engine: MakeEngine) -> None:
    told = list[int]()

    async def script(work: Work) -> None:
        pieces = Pieces(work, "counting", 1_000, 10, 90)
        for number in range(1_000):
            before = work.generation.percent
            await pieces.done(number)
            if work.generation.percent != before:
                told.append(work.generation.percent)

    engine = make_engine(script)
    async with engine.working():
        ended = await engine.ended(await engine.start())
    assert ended.status is Status.SUCCEEDED
    assert told == sorted(told)
    assert len(ended.events) <= 43
