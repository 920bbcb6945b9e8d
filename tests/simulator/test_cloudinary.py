"""Uploads, deletion and delivery, with Cloudinary's own signatures and links."""

import asyncio
import io
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import httpx2
import pytest

from app.simulator.cloudinary.account import API_SECRET
from app.simulator.pictures import HUGE_BYTES
from app.simulator.scenario import Provider, Scenario
from app.simulator.simulator import Simulator
from tests.simulator.conftest import decoded, png

pytestmark = pytest.mark.timeout(60)
uploader: Any = import_module("cloudinary.uploader")  # it has no types
api: Any = import_module("cloudinary.api")
utils: Any = import_module("cloudinary.utils")
errors: Any = import_module("cloudinary.exceptions")

_NAME = "owner/a & ü"

type Call = Callable[..., Any]


@pytest.fixture
def account(simulator: Simulator) -> dict[str, Any]:
    """What the SDK is told with every call."""
    return {
        "cloud_name": "simulated",
        "api_key": "sim-fine",
        "api_secret": API_SECRET,
        "upload_prefix": simulator.url,
        "timeout": 20,
    }


@pytest.fixture
def link(simulator: Simulator) -> Call:
    """A signed link of the SDK's."""

    def make(**options: Any) -> str:
        host = {"secure": False, "cname": simulator.url.removeprefix("http://")}
        told = {"cloud_name": "simulated", "api_secret": API_SECRET, "type": "authenticated", "sign_url": True}
        made, _ = utils.cloudinary_url(_NAME, **told, **host, **options)
        return str(made)

    return make


async def _upload(account: dict[str, Any], data: bytes, **more: Any) -> Any:
    options = {"public_id": _NAME, "type": "authenticated", **account, **more}
    return await asyncio.to_thread(uploader.upload, io.BytesIO(data), **options)


async def _destroy(account: dict[str, Any], **more: Any) -> Any:
    return await asyncio.to_thread(uploader.destroy, _NAME, type="authenticated", **account, **more)


async def test_upload_tells_what_was_stored_and_signs_it(account: dict[str, Any]) -> None:
    data = png(80, 40)
    told = await _upload(account, data, tags=["a", "b"], context={"x": "1&2"})
    assert (told["public_id"], told["type"], told["format"]) == (_NAME, "authenticated", "png")
    assert (told["width"], told["height"], told["bytes"], told["tags"]) == (80, 40, len(data), ["a", "b"])
    signed = {"public_id": _NAME, "version": str(told["version"])}
    assert told["signature"] == utils.api_sign_request(signed, API_SECRET, "sha1", 1)


async def test_stored_bytes_come_back_as_they_are(
    account: dict[str, Any], link: Call, http: httpx2.AsyncClient
) -> None:
    data = png(80, 40)
    told = await _upload(account, data)
    for address in (link(version=told["version"], format="png"), link(version=told["version"]), told["secure_url"]):
        answer = await http.get(address)
        assert (answer.status_code, answer.content) == (200, data), address


async def test_width_really_resizes_and_never_enlarges(
    account: dict[str, Any], link: Call, http: httpx2.AsyncClient
) -> None:
    told = await _upload(account, png(80, 40))
    sizes: list[tuple[int, int]] = []
    for width in (20, 200):
        answer = await http.get(link(version=told["version"], format="png", width=width, crop="limit", quality="auto"))
        sizes.append(decoded(answer.content).size)
    assert sizes == [(20, 10), (80, 40)]


async def test_best_format_is_what_the_client_takes(
    account: dict[str, Any], link: Call, http: httpx2.AsyncClient
) -> None:
    told = await _upload(account, png(80, 40))
    address = link(version=told["version"], width=20, crop="limit", fetch_format="auto", long_url_signature=True)
    answers = [await http.get(address, headers={"accept": accept}) for accept in ("image/webp,*/*", "*/*")]
    assert [answer.headers["content-type"] for answer in answers] == ["image/webp", "image/png"]


async def test_signature_is_of_one_transformation_and_one_picture(
    account: dict[str, Any], link: Call, http: httpx2.AsyncClient
) -> None:
    told = await _upload(account, png(80, 40))
    address = link(version=told["version"], format="png", width=20, crop="limit")
    assert (await http.get(address.replace("w_20", "w_30"))).status_code == 401
    assert (await http.get(address.replace("/s--", "/s--x"))).status_code == 401
    assert (await http.get(address)).status_code == 200


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_signature_of_another_secret_is_refused(account: dict[str, Any], algorithm: str) -> None:
    assert (await _upload(account, png(8, 8), signature_algorithm=algorithm))["public_id"] == _NAME
    with pytest.raises(errors.AuthorizationRequired):
        await _upload(account | {"api_secret": "another"}, png(8, 8), signature_algorithm=algorithm)


async def test_stale_request_is_refused(account: dict[str, Any], http: httpx2.AsyncClient) -> None:
    fields = utils.sign_request({"public_id": _NAME, "timestamp": int(time.time()) - 4000}, account)
    answer = await http.post("/v1_1/simulated/image/destroy", data=fields)
    assert (answer.status_code, answer.json()["error"]["message"][:5]) == (400, "Stale")


async def test_what_is_no_picture_is_refused(account: dict[str, Any]) -> None:
    with pytest.raises(errors.BadRequest, match="Invalid image file"):
        await _upload(account, b"not a picture")


async def test_overwrite_false_keeps_what_is_there(account: dict[str, Any], http: httpx2.AsyncClient) -> None:
    await _upload(account, png(80, 40))
    told = await _upload(account, png(20, 20), overwrite=False)
    assert (told["existing"], told["width"]) == (True, 80)
    assert decoded((await http.get(told["url"])).content).size == (80, 40)


async def test_deleted_picture_is_gone_once_it_is_invalidated(
    account: dict[str, Any], http: httpx2.AsyncClient
) -> None:
    told = await _upload(account, png(80, 40))
    assert (await http.get(told["url"])).status_code == 200
    assert (await _destroy(account))["result"] == "ok"
    assert (await http.get(told["url"])).status_code == 200  # the delivery network still has it
    assert (await _destroy(account, invalidate=True))["result"] == "not found"
    assert (await http.get(told["url"])).status_code == 404


async def test_ping_checks_the_secret(account: dict[str, Any]) -> None:
    assert (await asyncio.to_thread(api.ping, **account))["status"] == "ok"
    with pytest.raises(errors.AuthorizationRequired):
        await asyncio.to_thread(api.ping, **account | {"api_secret": "another"})


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        (Scenario.REJECTED_KEY, "AuthorizationRequired"),
        (Scenario.RATE_LIMITED, "RateLimited"),
        (Scenario.RATE_LIMITED_RETRY_AFTER, "RateLimited"),
        (Scenario.MODERATION, "BadRequest"),
        (Scenario.FAILING, "GeneralError"),
        (Scenario.CUT_STREAM, "Error"),
    ],
)
async def test_sdk_raises_what_the_scenario_means(account: dict[str, Any], scenario: Scenario, error: str) -> None:
    with pytest.raises(getattr(errors, error)):
        await _upload(account | {"api_key": f"sim-{scenario}"}, png(8, 8))


async def test_huge_delivery_is_the_picture_in_6_mebibytes(
    account: dict[str, Any], http: httpx2.AsyncClient, simulator: Simulator
) -> None:
    told = await _upload(account, png(80, 40))
    simulator.then(Provider.CLOUDINARY, Scenario.HUGE)
    data = (await http.get(told["url"])).content
    assert len(data) == HUGE_BYTES
    assert decoded(data).size == (80, 40)
