"""Settings that a test gives, as `load_settings` reads them, which takes longer than most tests."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from app.settings import Settings, load_settings

_ELSEWHERE: Final[Mapping[str, Any]] = {"data_dir": Path("data"), "mongodb_url": "mongodb://127.0.0.1:1/regen"}


def settings_from(given: Mapping[str, Any]) -> Settings:
    """By the names of fields; what there is besides a folder and a database is read and checked once."""
    own = {"data_dir": given["data_dir"], "mongodb_url": SecretStr(given["mongodb_url"])}
    others = {name: value for name, value in given.items() if name not in own}
    return _read(**others).model_copy(update=own)


@cache
def _read(**given: Any) -> Settings:
    return load_settings({**_ELSEWHERE, **given})
