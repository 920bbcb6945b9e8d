"""Which model does what."""

from collections.abc import Awaitable, Callable

from app.providers.local.provider import LocalImageModel
from app.providers.ports.image import ImageModel
from app.settings import Settings


def image_model(settings: Settings) -> tuple[ImageModel, Callable[[], Awaitable[None]]]:
    """The model of ornament images, and how it is closed."""
    key = settings.real("google_api_key")
    if key is None:
        return LocalImageModel(), _nothing
    from app.providers.gemini.image import GeminiImageModel  # noqa: PLC0415 - takes a second, and only a key needs it

    model = GeminiImageModel(
        key, settings.gemini_image_model, settings.provider_timeout_s, settings.google_gemini_base_url
    )
    return model, model.close


async def _nothing() -> None:
    """What holds nothing open has nothing to close."""


def described(settings: Settings, model: ImageModel) -> str:
    """In a line for people."""
    if model.name == "local":
        return "pictures: basic processing on this machine (local; set GOOGLE_API_KEY for Gemini)"
    return f"pictures: {model.name}, {settings.gemini_image_model} (real)"
