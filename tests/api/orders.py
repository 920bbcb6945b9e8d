"""Regenerations that are asked for at the schema, with other limits or prices than the shop's own."""

from dataclasses import replace
from typing import Any

from beanie import PydanticObjectId

from app.api.ids import global_id
from app.batches.service import Batches
from app.batches.starting import Starter
from app.costs.budgets import Budgets
from app.costs.prices import PriceList
from app.costs.usage import Unit, Usage
from app.generations.service import OwnerLimits
from app.ornaments.batching import RegenerateEach
from app.ornaments.service import GENERATION_KIND, Ornaments
from app.providers.mock.image import MockImageModel
from app.providers.ports.image import ImageRequest
from app.providers.ports.model import Source
from tests.api.shop import Shop
from tests.ornaments.images import image_of, picture_of

_ONE = """mutation ($input: RegenerateImageInput!) { regenerateImage(input: $input) {
  generation { id } generations { id recipe { prompts } } errors { code path retryable } } }"""
_MANY = """mutation ($input: RegenerateImagesInput!) { regenerateImages(input: $input) {
  batch { id counts { total queued failed } finished estimatedCost { amount currency } cost { amount }
    items { nodes { number subjectId status failure { code message } generation { id recipe { parentId } } } } }
  errors { code path message } } }"""
PRICES = '[{"model": "dear-1", "unit": "pictures", "amount": "0.04", "currency": "USD", "since": "2026-01-01"}]'


class Dear(MockImageModel):
    """A provider's model, of which nothing is ever asked here."""

    @property
    def name(self) -> str:
        return "dear"

    @property
    def model(self) -> str:
        return "dear-1"

    @property
    def source(self) -> Source:
        return Source.PROVIDER

    def expected_usage(self, request: ImageRequest) -> Usage:
        return {Unit.PICTURES: 1, Unit.INPUT_IMAGE_TOKENS: 100 * len(request.references)}


def with_limits(shop: Shop, limits: OwnerLimits) -> Shop:
    """The same, with other limits of an owner."""
    return _with(shop, replace(shop.services.ornaments, generations=replace(shop.services.generations, limits=limits)))


def with_prices(shop: Shop, prices: str) -> Shop:
    """The same, where a provider makes the pictures and these are the prices."""
    generations = shop.services.generations
    closing = replace(generations.closing, budgets=Budgets(PriceList.parse(prices)))
    return _with(shop, Ornaments(replace(generations, closing=closing), Dear()))


def _with(shop: Shop, ornaments: Ornaments) -> Shop:
    batches = Batches(Starter(ornaments.generations, {GENERATION_KIND: RegenerateEach(ornaments)}))
    generations = ornaments.generations
    return replace(shop, services=replace(shop.services, ornaments=ornaments, batches=batches, generations=generations))


async def images(owner_id: PydanticObjectId, count: int, **given: Any) -> list[str]:
    """The ids of new images of that owner, each with its picture."""
    pictures = [picture_of(owner_id) for _ in range(count)]
    images = [image_of(owner_id, picture_id=picture.identity, **given) for picture in pictures]
    for document in (*pictures, *images):
        await document.insert()
    return [global_id("OrnamentImage", image.identity) for image in images]


async def regenerate(shop: Shop, image_id: str, **input: Any) -> Any:
    given = {"imageId": image_id, "prompt": "Add gold accents", **input}
    return (await shop.run(_ONE, {"input": given}))["regenerateImage"]


async def regenerate_all(shop: Shop, **input: Any) -> Any:
    return (await shop.run(_MANY, {"input": {"prompt": "Add gold accents", **input}}))["regenerateImages"]
