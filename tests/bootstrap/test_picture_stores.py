"""Which stores the settings set up, and which of them new pictures go to."""

from pathlib import Path
from typing import Any

import pytest

from app.bootstrap.stores import picture_stores
from app.pictures.nearby import Nearby
from app.settings import Settings, SettingsError, load_settings

_ACCOUNT = "cloudinary://1234567890:abcdefSECRETghij@shop"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CLOUDINARY_URL", "PICTURE_STORE", "MEDIA_URL_KEY", "APP_ENV"):
        monkeypatch.delenv(name, raising=False)


def _settings(tmp_path: Path, **given: Any) -> Settings:
    return load_settings({"data_dir": tmp_path, **given})


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["disk"]),
        ({"cloudinary_url": _ACCOUNT}, ["cloudinary:shop", "disk"]),
        ({"cloudinary_url": _ACCOUNT, "picture_store": "disk"}, ["disk", "cloudinary:shop"]),
        ({"cloudinary_url": _ACCOUNT, "picture_store": "cloudinary"}, ["cloudinary:shop", "disk"]),
        ({"picture_store": "disk"}, ["disk"]),
        ({"cloudinary_url": "cloudinary://<your_api_key>:<your_api_secret>@shop"}, ["disk"]),
    ],
)
async def test_first_store_gets_the_new_pictures(tmp_path: Path, given: dict[str, str], names: list[str]) -> None:
    stores = picture_stores(_settings(tmp_path, **given))
    assert stores.all.names == names
    assert "SECRET" not in f"{stores} {stores.description}"
    await stores.close()


@pytest.mark.parametrize(("megabytes", "has_copies"), [(0, False), (5, True)])
async def test_copies_are_kept_if_they_may_take_any_room(tmp_path: Path, megabytes: int, has_copies: bool) -> None:  # noqa: FBT001 - pytest names it
    stores = picture_stores(_settings(tmp_path, cloudinary_url=_ACCOUNT, picture_cache_mb=megabytes))
    far = stores.all.chosen
    assert isinstance(far, Nearby) is has_copies
    assert not isinstance(far, Nearby) or (far.copies.limit, far.copies.folder) == (5_000_000, tmp_path / "nearby")
    await stores.close()


@pytest.mark.parametrize("account", [None, "cloudinary://API_KEY:API_SECRET@CLOUD_NAME"])
def test_cloudinary_without_an_account_is_refused(tmp_path: Path, account: str | None) -> None:
    with pytest.raises(SettingsError, match="PICTURE_STORE=cloudinary needs CLOUDINARY_URL"):
        _settings(tmp_path, picture_store="cloudinary", cloudinary_url=account)


@pytest.mark.parametrize("url", ["https://hunter2.test", "cloudinary://hunter2@shop", "cloudinary://a:hunter2@"])
def test_account_that_is_none_is_refused_without_quoting_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match=r"CLOUDINARY_URL is wrong.*cloudinary://KEY:SECRET@CLOUD") as refused:
        _settings(tmp_path, cloudinary_url=url)
    assert "hunter2" not in str(refused.value)


def test_sample_of_an_account_is_called_one(tmp_path: Path) -> None:
    settings = _settings(tmp_path, cloudinary_url="cloudinary://API_KEY:API_SECRET@CLOUD_NAME")
    assert settings.placeholders() == ("CLOUDINARY_URL",)
