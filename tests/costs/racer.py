"""A process that reserves the last of many budgets, as soon as its standard input says so; prints how often it won."""

import asyncio
import sys

from app.costs.days import Answer, BudgetDay
from app.database.connection import connect
from tests.costs.conftest import reservation


async def _race(url: str, name: str, rounds: int) -> None:
    connection = await connect(url, [BudgetDay], name=name)
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for the line
    await asyncio.to_thread(sys.stdin.readline)
    won = 0
    for number in range(rounds):
        answers = await asyncio.gather(
            *(BudgetDay.reserve(f"2026-11-23/{number}", reservation(6).wanted, 10) for _ in range(3))
        )
        won += answers.count(Answer.HELD)
    print(won, flush=True)  # noqa: T201 - the same
    await connection.close()


if __name__ == "__main__":
    asyncio.run(_race(sys.argv[1], sys.argv[2], int(sys.argv[3])))
