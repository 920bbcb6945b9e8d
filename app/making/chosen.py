"""Which model was chosen for a piece of work, when it was started."""

from collections.abc import Mapping
from typing import NamedTuple

from app.errors import AppError, ErrorCode


class Chosen(NamedTuple):
    """A provider by its name, and its model."""

    provider: str
    model: str


def gone(chosen: Chosen, settings: Mapping[str, str]) -> AppError:
    """PROVIDER_NOT_CONFIGURED: it was set up then and is not now; `settings` names what sets a provider up."""
    setting = settings.get(chosen.provider)
    message = f"This was started with the provider “{chosen.provider}”, which is no longer set up."
    return AppError(ErrorCode.PROVIDER_NOT_CONFIGURED, f"{message} Set {setting}." if setting else message)
