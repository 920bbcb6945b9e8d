"""Which model does what, each behind its guard."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from app.pictures.pool import PicturePool
from app.providers.breaker import Breaker
from app.providers.guard import Guard
from app.providers.guarded import GuardedImageModel, GuardedTextModel, GuardedVisionModel
from app.providers.local.provider import LocalImageModel
from app.providers.local.vision import LocalVisionModel
from app.providers.mock.image import MockImageModel
from app.providers.mock.text import MockTextModel
from app.providers.ports.image import ImageModel
from app.providers.ports.model import Checkup, Model, Source
from app.providers.ports.text import TextModel
from app.providers.ports.vision import VisionModel
from app.providers.simulated import SimulatedImageModel, SimulatedTextModel, SimulatedVisionModel
from app.settings import Settings

_WHO: Mapping[str, str] = MappingProxyType(
    {"openai": "OpenAI", "gemini": "Google", "local": "Local processing", "mock": "The placeholder's composition"}
)
_UNSET: Mapping[str, str] = MappingProxyType(
    {
        "text": "dreams: local, a lexicon; set OPENAI_API_KEY for a model that writes",
        "vision": "set OPENAI_API_KEY for a model that sees",
        "image": "set OPENAI_API_KEY for real pictures",
        "edit": "set GOOGLE_API_KEY for Gemini",
    }
)


type Check = Callable[[], Awaitable[Checkup]]
"""One cheap call to a provider about one of its models."""


@dataclass(slots=True)
class Adapters:
    """Everybody who is set up, by the provider's name; `checks` are by the setting that names the model."""

    text: dict[str, TextModel] = field(default_factory=dict[str, TextModel])
    vision: dict[str, VisionModel] = field(default_factory=dict[str, VisionModel])
    images: dict[str, ImageModel] = field(default_factory=dict[str, ImageModel])
    checks: dict[str, Check] = field(default_factory=dict[str, Check])
    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list[Callable[[], Awaitable[None]]])


@dataclass(frozen=True, slots=True)
class Models:
    """Who serves each purpose; `writers`, `seers` and `makers` are all that write, look at or make pictures.

    They are by the provider's name.

    `checks` are by setting.

    What was asked of one provider before another was set up is still its own to make.
    """

    text: TextModel
    vision: VisionModel
    image: ImageModel
    edit: ImageModel
    writers: Mapping[str, TextModel]
    seers: Mapping[str, VisionModel]
    makers: Mapping[str, ImageModel]
    checks: Mapping[str, Check]
    _closers: Sequence[Callable[[], Awaitable[None]]]

    @property
    def purposes(self) -> Mapping[str, Model]:
        """The model of each purpose, by its name in the settings."""
        return {"text": self.text, "vision": self.vision, "image": self.image, "edit": self.edit}

    @property
    def billed(self) -> Sequence[str]:
        """The names of the models that take money."""
        return sorted({one.model for one in self.purposes.values() if one.source is Source.PROVIDER})

    def description(self, *, simulated: bool = False) -> Mapping[str, str]:
        """A line for people of each purpose: whether it is real, local or mock."""
        return {purpose: _described(purpose, one, simulated=simulated) for purpose, one in self.purposes.items()}

    async def close(self) -> None:
        """Close every pool; calls under way fail."""
        async with AsyncExitStack() as stack:
            for closer in self._closers:
                stack.push_async_callback(closer)


def models_of(settings: Settings, pool: PicturePool | None = None) -> Models:
    """Those that the settings mean; nothing is called. What needs no provider works in `pool`."""
    found = Adapters()
    _without_keys(found, settings, pool or PicturePool())
    if key := settings.real("openai_api_key"):
        _openai(found, settings, key)
    if key := settings.real("google_api_key"):
        _gemini(found, settings, key)
    openai = "openai" if settings.real("openai_api_key") else None
    gemini = "gemini" if settings.real("google_api_key") else None
    return Models(
        text=found.text[settings.text_provider or openai or "mock"],
        vision=found.vision[settings.vision_provider or openai or "local"],
        image=found.images[settings.image_provider or openai or "mock"],
        edit=found.images[settings.edit_provider or gemini or "local"],
        writers=found.text,
        seers=found.vision,
        makers=found.images,
        checks=found.checks,
        _closers=found.closers,
    )


def _without_keys(found: Adapters, settings: Settings, pool: PicturePool) -> None:
    mock, scenes = MockImageModel(pool=pool), MockImageModel("GOOGLE_API_KEY", pool=pool)
    found.text["mock"] = GuardedTextModel(MockTextModel(), guard_of(settings, "mock"))
    found.vision["local"] = GuardedVisionModel(LocalVisionModel(pool), guard_of(settings, "local"))
    found.images["mock"] = GuardedImageModel(mock, guard_of(settings, "mock"))
    found.images["local"] = GuardedImageModel(LocalImageModel(pool, scenes), guard_of(settings, "local"))


def _openai(found: Adapters, settings: Settings, key: str) -> None:
    from app.providers.openai.client import OpenAIClient  # noqa: PLC0415 - takes a second, and only a key needs it
    from app.providers.openai.image import OpenAIImageModel  # noqa: PLC0415 - the same
    from app.providers.openai.text import OpenAITextModel  # noqa: PLC0415 - the same
    from app.providers.openai.vision import OpenAIVisionModel  # noqa: PLC0415 - the same

    client = OpenAIClient(key, settings.provider_timeout_s, settings.openai_base_url)
    text: TextModel = OpenAITextModel(client, settings.openai_text_model)
    vision: VisionModel = OpenAIVisionModel(client, settings.openai_vision_model)
    image: ImageModel = OpenAIImageModel(client, settings.openai_image_model)
    if settings.simulate:
        text, vision, image = SimulatedTextModel(text), SimulatedVisionModel(vision), SimulatedImageModel(image)
    found.text["openai"] = GuardedTextModel(text, guard_of(settings, "openai"))
    found.vision["openai"] = GuardedVisionModel(vision, guard_of(settings, "openai"))
    found.images["openai"] = GuardedImageModel(image, guard_of(settings, "openai"), guard_of(settings, "openai"))
    found.closers.append(client.close)
    for setting in ("openai_text_model", "openai_vision_model", "openai_image_model"):
        found.checks[setting.upper()] = partial(client.look_up, getattr(settings, setting), setting.upper())


def _gemini(found: Adapters, settings: Settings, key: str) -> None:
    from app.providers.gemini.image import GeminiImageModel  # noqa: PLC0415 - takes a second, and only a key needs it

    model = GeminiImageModel(
        key, settings.gemini_image_model, settings.provider_timeout_s, settings.google_gemini_base_url
    )
    image: ImageModel = SimulatedImageModel(model) if settings.simulate else model
    found.images["gemini"] = GuardedImageModel(image, guard_of(settings, "gemini"), guard_of(settings, "gemini"))
    found.closers.append(model.close)
    found.checks["GEMINI_IMAGE_MODEL"] = model.look_up


def guard_of(settings: Settings, provider: str) -> Guard:
    """A new one: each provider and operation has its own."""
    return Guard(Breaker(_WHO[provider]), settings.provider_timeout_s)


def _described(purpose: str, model: Model, *, simulated: bool) -> str:
    if model.source is not Source.PROVIDER:
        return f"{model.name}, {model.model} ({model.source.lower()}; {_UNSET[purpose]})"
    return f"{model.name}, {model.model} ({'simulated' if simulated else 'real'})"
