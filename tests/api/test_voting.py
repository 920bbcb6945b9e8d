"""Votes between siblings, through the schema."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from app.api.ids import global_id
from app.ornaments.model import OrnamentImage
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import image_of

_SCORE = "{ id score { wins losses value } }"
_VOTE = f"""mutation ($input: VoteInput!) {{ vote(input: $input) {{
  winner {_SCORE} loser {_SCORE} errors {{ code path }} }} }}"""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


async def _siblings(shop: Shop) -> tuple[str, str]:
    root = image_of(shop.owner_id)
    first, second = image_of(shop.owner_id, "a", root), image_of(shop.owner_id, "b", root)
    await OrnamentImage.insert_many([root, first, second])
    return global_id("OrnamentImage", first.identity), global_id("OrnamentImage", second.identity)


async def _voted(shop: Shop, winner: str, loser: str) -> Any:
    return (await shop.run(_VOTE, {"input": {"winnerId": winner, "loserId": loser}}))["vote"]


async def test_vote_is_answered_with_both_scores_and_repeating_it_changes_nothing(shop: Shop) -> None:
    first, second = await _siblings(shop)
    for _ in range(2):
        assert await _voted(shop, first, second) == {
            "winner": {"id": first, "score": {"wins": 1, "losses": 0, "value": 0.6667}},
            "loser": {"id": second, "score": {"wins": 0, "losses": 1, "value": 0.3333}},
            "errors": [],
        }


async def test_image_that_is_no_sibling_or_somebody_elses_is_refused_with_its_path(shop: Shop) -> None:
    first, _ = await _siblings(shop)
    _, stranger = await _siblings(shop)
    _, anothers = await _siblings(await shop.joined())
    for winner, loser, expected in (
        (first, stranger, ("BAD_USER_INPUT", ["input", "loserId"])),
        (first, anothers, ("FORBIDDEN", ["input", "loserId"])),
        (anothers, first, ("FORBIDDEN", ["input", "winnerId"])),
    ):
        payload = await _voted(shop, winner, loser)
        assert [(one["code"], one["path"]) for one in payload["errors"]] == [expected]
        assert payload["winner"] is payload["loser"] is None
