import asyncio

import pytest

from app.errors import AppError, ErrorCode
from app.lineage.counts import Spot
from app.lineage.deletion import delete_forever
from app.lineage.votes import Score, Vote, vote
from tests.lineage.conftest import Commands, Sketch, chain, sketch, stored


async def _siblings(count: int) -> list[Sketch]:
    root = sketch()
    family = [sketch(root) for _ in range(count)]
    await stored([root, *family])
    return family


async def _scores(versions: list[Sketch]) -> list[Score]:
    found = await Vote.scores([Spot(version.lineage.root_id, version.identity) for version in versions])
    return [found[Spot(version.lineage.root_id, version.identity)] for version in versions]


async def test_wins_and_losses_of_many_come_with_one_command(commands: Commands) -> None:
    a, b, c, d = await _siblings(4)
    for winner, loser in ((a, b), (a, c), (c, b)):
        await vote(winner, loser, "This image")
    commands.sent.clear()
    assert await _scores([a, b, c, d]) == [(2, 0), (0, 2), (1, 1), (0, 0)]
    assert commands.sent == ["find"]
    assert [round(one.share, 3) for one in await _scores([a, b, c, d])] == [0.75, 0.25, 0.5, 0.5]


@pytest.mark.usefixtures("commands")
async def test_pair_has_one_vote_and_the_latest_counts() -> None:
    a, b = await _siblings(2)
    await asyncio.gather(*(vote(a, b, "This image") for _ in range(4)))
    assert await _scores([a, b]) == [(1, 0), (0, 1)]
    await vote(b, a, "This image")
    assert await _scores([a, b]) == [(0, 1), (1, 0)]
    assert await Vote.count() == 1


@pytest.mark.usefixtures("commands")
async def test_only_siblings_are_voted_on() -> None:
    (a, b), (stranger,) = await _siblings(2), await _siblings(1)
    root, other_root, (child,) = sketch(), sketch(), chain(a, 1)
    await stored([root, other_root, child])
    for winner, loser in ((a, a), (a, child), (child, a), (a, stranger), (root, other_root)):
        with pytest.raises(AppError) as refusal:
            await vote(winner, loser, "This image")
        assert (refusal.value.code, refusal.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "loserId"))
    assert await _scores([a, b]) == [(0, 0), (0, 0)]


@pytest.mark.usefixtures("commands")
async def test_votes_go_with_a_version_that_is_deleted_for_ever() -> None:
    a, b, c = await _siblings(3)
    for winner, loser in ((a, b), (b, c), (a, c)):
        await vote(winner, loser, "This image")
    await delete_forever([b])
    assert await _scores([a, c]) == [(1, 0), (0, 1)]


@pytest.mark.usefixtures("commands")
async def test_vote_that_comes_after_a_deletion_is_refused_and_not_kept() -> None:
    a, b = await _siblings(2)
    await delete_forever([b])
    for winner, loser, argument in ((a, b, "loserId"), (b, a, "winnerId")):
        with pytest.raises(AppError) as refusal:
            await vote(winner, loser, "This image")
        assert (refusal.value.code, refusal.value.path) == (ErrorCode.NOT_FOUND, ("input", argument))
    assert await Vote.count() == 0
