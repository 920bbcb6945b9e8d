"""What work would cost and how long it would wait, asked before it is started."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from starlette.datastructures import UploadFile

from app.api.ids import global_id
from app.generations.model import Generation
from app.generations.service import OwnerLimits
from app.pictures.model import Picture
from tests.api.orders import PRICES, images, regenerate, regenerate_all, with_limits, with_prices
from tests.api.shop import Shop, opened_shop
from tests.ornaments.images import picture_of

_ESTIMATE = """query ($input: EstimateInput!) { estimate(input: $input) {
  generations cost { amount currency } queuePosition waitSeconds usualSeconds } }"""


@pytest.fixture
async def shop(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened_shop(database, mongodb_url, tmp_path) as opened:
        yield await opened.joined()


async def test_estimate_says_what_it_costs_and_how_long_it_waits_and_starts_nothing(shop: Shop) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    dear, wish = with_prices(shop, PRICES), {"imageId": image_id, "prompt": "Make it shine", "variations": 3}
    estimate = (await dear.run(_ESTIMATE, {"input": {"regenerateImage": wish}}))["estimate"]
    assert estimate == {
        "generations": 3,
        "cost": {"amount": "0.12", "currency": "USD"},
        "queuePosition": 0,
        "waitSeconds": 0,
        "usualSeconds": None,
    }
    many = {"regenerateImages": {"ids": await images(shop.owner_id, 2), "prompt": "Make it shine"}}
    estimate = (await dear.run(_ESTIMATE, {"input": many}))["estimate"]
    assert (estimate["generations"], estimate["cost"]["amount"]) == (2, "0.08")
    assert await Generation.count() == 0


async def test_cost_that_nobody_knows_is_null_and_local_work_costs_nothing(shop: Shop) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    given = {"regenerateImage": {"imageId": image_id, "prompt": "Make it shine"}}
    assert (await with_prices(shop, "[]").run(_ESTIMATE, {"input": given}))["estimate"]["cost"] is None
    assert (await shop.run(_ESTIMATE, {"input": given}))["estimate"]["cost"] == {"amount": "0", "currency": None}
    batch = (await regenerate_all(with_prices(shop, "[]"), ids=[image_id]))["batch"]
    assert batch["estimatedCost"] is None


async def test_estimated_cost_of_a_batch_leaves_out_what_could_not_be_started(shop: Shop) -> None:
    own, (foreign,) = await images(shop.owner_id, 2), await images(PydanticObjectId(), 1)
    batch = (await regenerate_all(with_prices(shop, PRICES), ids=[foreign, *own]))["batch"]
    assert batch["estimatedCost"] == {"amount": "0.08", "currency": "USD"}


async def test_estimate_waits_for_those_before_it(shop: Shop) -> None:
    (image_id,) = await images(shop.owner_id, 1)
    small = with_limits(shop, OwnerLimits(running=2, queued=50))
    await regenerate(small, image_id, variations=4)
    given = {"regenerateImage": {"imageId": image_id, "prompt": "Make it shine"}}
    estimate = (await small.run(_ESTIMATE, {"input": given}))["estimate"]
    assert (estimate["queuePosition"], estimate["waitSeconds"]) == (4, None)


@pytest.mark.parametrize(
    ("input", "argument"),
    [
        ({"imageId": "OTHERS", "prompt": "a"}, "input.imageId"),
        ({"imageId": "OWN", "prompt": "a", "variations": 9}, "input.variations"),
        ({"imageId": "OWN", "prompt": "a", "kind": "CAMPAIGN_SHOT_ADVANCED"}, "input.kind"),
    ],
)
async def test_what_the_mutation_would_refuse_has_no_estimate(shop: Shop, input: Any, argument: str) -> None:
    ids = {"OWN": (await images(shop.owner_id, 1))[0], "OTHERS": (await images(PydanticObjectId(), 1))[0]}
    given = {"regenerateImage": {**input, "imageId": ids[input["imageId"]]}}
    _, errors = await shop.answer(_ESTIMATE, {"input": given})
    assert [path for _, path in errors] == [argument]


async def test_each_kind_is_estimated_by_its_pictures_with_its_files_left_alone(shop: Shop) -> None:
    prices = json.loads(PRICES)
    prices.append({**prices[0], "unit": "inputImageTokens", "amount": "0.01", "per": 100})
    dear = with_prices(shop, json.dumps(prices))
    stored = picture_of(shop.owner_id)
    await stored.insert()
    kept = {"id": global_id("Picture", stored.identity)}
    file = {"upload": UploadFile(io.BytesIO(b"nobody looks into it"))}
    inputs: dict[str, tuple[dict[str, Any], str]] = {
        "uploadOrnament": ({"image": file}, "0.05"),
        "changeBackground": ({"ornamentImage": kept, "prompt": "", "backgroundImage": file}, "0.06"),
        "generateModelWithOrnament": ({"ornamentImage": kept, "prompt": "by the sea"}, "0.05"),
        "generateRealModelWithOrnament": (
            {"modelImage": file, "ornamentImage": kept, "prompt": "by the sea", "poseStyle": kept},
            "0.07",
        ),
        "generateCampaignShot": (
            {
                "ornamentImages": [kept, file],
                "ornamentNames": ["Ring", "Chain"],
                "prompt": "by the sea",
                "modelType": "REAL_MODEL",
                "modelImage": file,
                "themeImages": [file],
            },
            "0.08",
        ),
    }
    for mutation, (given, amount) in inputs.items():
        estimate = (await dear.run(_ESTIMATE, {"input": {mutation: given}}))["estimate"]
        assert (estimate["generations"], estimate["cost"]) == (1, {"amount": amount, "currency": "USD"}), mutation
    assert await Generation.count() == 0
    assert [one.touched_at for one in await Picture.find_all().to_list()] == [stored.touched_at], "it was only read"


@pytest.mark.parametrize(
    ("mutation", "given", "argument"),
    [
        ("uploadOrnament", {"image": "OTHERS"}, "input.image"),
        ("uploadOrnament", {"image": "OWN", "backgroundColor": "no colour"}, "input.backgroundColor"),
        ("changeBackground", {"ornamentImage": "OWN", "prompt": ""}, "input.prompt"),
        ("generateModelWithOrnament", {"ornamentImage": "OWN", "prompt": "a" * 2_001}, "input.prompt"),
    ],
)
async def test_first_version_that_would_be_refused_has_no_estimate(
    shop: Shop, mutation: str, given: dict[str, Any], argument: str
) -> None:
    own, others = picture_of(shop.owner_id), picture_of(PydanticObjectId())
    for one in (own, others):
        await one.insert()
    ids = {"OWN": {"id": global_id("Picture", own.identity)}, "OTHERS": {"id": global_id("Picture", others.identity)}}
    wanted = {name: ids.get(value, value) for name, value in given.items()}
    _, errors = await shop.answer(_ESTIMATE, {"input": {mutation: wanted}})
    assert [path for _, path in errors] == [argument]
