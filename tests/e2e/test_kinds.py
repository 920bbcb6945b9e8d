"""The kinds of product picture, from a client's request to the image that it sees."""

import asyncio
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.client import Client

_PHOTOS = Path(__file__).parent.parent / "photos"
_IMAGE = """query ($id: ID!) { node(id: $id) { ... on OrnamentImage {
  kind source note combinedPrompt measurements modelType ornamentNames backgroundColor
  uploadedPicture { id } ornamentPictures { id } modelPicture { id } posePicture { id } themePictures { id }
  backgroundPicture { id } picture { width height } } } }"""


def photo(name: str, side_px: int = 400) -> bytes:
    """A real photo, small."""
    buffer = io.BytesIO()
    image = Image.open(_PHOTOS / f"{name}.jpg").convert("RGB")
    image.thumbnail((side_px, side_px))
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def started(name: str) -> str:
    """The mutation of that name."""
    return f"""mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{
      generation {{ id recipe {{ prompts }} }} errors {{ code message path }} }} }}"""


async def make(client: Client, name: str, input: Mapping[str, Any], photos: Mapping[str, bytes]) -> Any:
    """The payload of a mutation; `photos` are by the path of their argument."""
    files = {f"input.{path}": ("photo.jpg", data, "image/jpeg") for path, data in photos.items()}
    answer = await client.post_files(started(name), {"input": input}, files)
    assert "errors" not in answer, answer
    return answer["data"][name]


async def shown(client: Client, image_id: str) -> Any:
    """The image as its owner sees it."""
    return (await client.run(_IMAGE, {"id": image_id}))["node"]


async def test_background_becomes_a_picture_a_colour_or_what_the_words_say(ada: Client) -> None:
    car, plants = photo("car-1"), photo("plants-1")
    upload = {"upload": None}
    payloads = await asyncio.gather(
        make(
            ada,
            "changeBackground",
            {"ornamentImage": upload, "backgroundImage": upload, "prompt": ""},
            {"ornamentImage.upload": car, "backgroundImage.upload": plants},
        ),
        make(
            ada,
            "changeBackground",
            {"ornamentImage": upload, "backgroundColor": "navy", "prompt": "Make it shine"},
            {"ornamentImage.upload": car},
        ),
        make(
            ada,
            "changeBackground",
            {"ornamentImage": upload, "prompt": "on a beige background"},
            {"ornamentImage.upload": car},
        ),
    )
    picture, colour, words = [await shown(ada, await ada.finished(payload)) for payload in payloads]
    assert [image["kind"] for image in (picture, colour, words)] == ["BACKGROUND_CHANGE"] * 3
    assert [image["source"] for image in (picture, colour, words)] == ["LOCAL"] * 3
    assert picture["backgroundPicture"]["id"] != picture["uploadedPicture"]["id"]
    assert (picture["backgroundColor"], colour["backgroundColor"], words["backgroundColor"]) == (None, "navy", None)
    assert colour["combinedPrompt"].endswith("navy and leave the jewellery itself unchanged. Make it shine")
    same = {image["uploadedPicture"]["id"] for image in (picture, colour, words)}
    assert len(same) == 1, "the same bytes are stored once"


async def test_models_wear_it_and_the_pictures_keep_their_roles(ada: Client) -> None:
    ring, girl, pose = photo("car-1"), photo("girl-2"), photo("animal-1")
    upload = {"upload": None}
    made = await make(
        ada,
        "generateModelWithOrnament",
        {"ornamentImage": upload, "poseStyle": upload, "prompt": "at dusk", "measurements": "18 mm across"},
        {"ornamentImage.upload": ring, "poseStyle.upload": pose},
    )
    real = await make(
        ada,
        "generateRealModelWithOrnament",
        {"modelImage": upload, "ornamentImage": upload, "prompt": ""},
        {"modelImage.upload": girl, "ornamentImage.upload": ring},
    )
    by_ai, by_person = [await shown(ada, await ada.finished(payload)) for payload in (made, real)]
    assert (by_ai["kind"], by_person["kind"]) == ("MODEL_WITH_ORNAMENT", "REAL_MODEL_WITH_ORNAMENT")
    assert (by_ai["source"], by_person["source"]) == ("MOCK", "MOCK")
    assert "placeholder" in by_ai["note"]
    assert by_ai["measurements"] == "18 mm across"
    assert by_ai["combinedPrompt"].endswith("Measurements: 18 mm across. at dusk")
    assert by_ai["posePicture"]
    assert by_ai["modelPicture"] is None
    assert by_person["modelPicture"]
    assert by_person["uploadedPicture"]["id"] == by_ai["uploadedPicture"]["id"]
    assert made["generation"]["recipe"]["prompts"][1] == "at dusk"


async def test_campaign_shows_named_ornaments_on_a_person_in_a_theme(ada: Client) -> None:
    photos = {
        "ornamentImages.0.upload": photo("car-1"),
        "ornamentImages.1.upload": photo("animal-1"),
        "modelImage.upload": photo("girl-2"),
        "themeImages.0.upload": photo("plants-1"),
    }
    upload = {"upload": None}
    wanted = {
        "ornamentImages": [upload, upload],
        "ornamentNames": ["a ring", "a chain"],
        "modelType": "REAL_MODEL",
        "modelImage": upload,
        "themeImages": [upload],
        "prompt": "in the morning",
    }
    image = await shown(ada, await ada.finished(await make(ada, "generateCampaignShot", wanted, photos)))
    assert (image["kind"], image["modelType"]) == ("CAMPAIGN_SHOT_ADVANCED", "REAL_MODEL")
    assert image["ornamentNames"] == ["a ring", "a chain"]
    assert len(image["ornamentPictures"]) == 2
    assert len(image["themePictures"]) == 1
    assert image["modelPicture"]
    assert image["picture"]["width"] > 0


@pytest.mark.parametrize(
    ("name", "input", "path"),
    [
        ("changeBackground", {"ornamentImage": {"upload": None}, "prompt": " "}, ["input", "prompt"]),
        (
            "generateCampaignShot",
            {"ornamentImages": [{"upload": None}], "ornamentNames": [], "modelType": "AI_MODEL", "prompt": ""},
            ["input", "ornamentNames"],
        ),
        (
            "generateCampaignShot",
            {"ornamentImages": [{"upload": None}], "ornamentNames": ["a"], "modelType": "REAL_MODEL", "prompt": ""},
            ["input", "modelImage"],
        ),
    ],
)
async def test_what_does_not_fit_together_is_refused_with_its_path(
    ada: Client, name: str, input: Mapping[str, Any], path: list[str]
) -> None:
    argument = "ornamentImage.upload" if "ornamentImage" in input else "ornamentImages.0.upload"
    payload = await make(ada, name, input, {argument: photo("car-1")})
    assert payload["generation"] is None
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("BAD_USER_INPUT", path)]


async def test_regenerated_campaign_keeps_its_kind_and_its_sources(ada: Client) -> None:
    wanted = {
        "ornamentImages": [{"upload": None}],
        "ornamentNames": ["a ring"],
        "modelType": "AI_MODEL",
        "prompt": "in the morning",
    }
    photos = {"ornamentImages.0.upload": photo("car-1")}
    root_id = await ada.finished(await make(ada, "generateCampaignShot", wanted, photos))
    root = await shown(ada, root_id)
    child = await shown(ada, await ada.finished(await ada.regenerate(root_id, "Make it brighter")))
    assert child["combinedPrompt"] == f"{root['combinedPrompt']}. Make it brighter"
    for name in ("kind", "modelType", "ornamentNames", "ornamentPictures", "uploadedPicture"):
        assert child[name] == root[name], name
