"""Models whose provider is simulated: what they make says so."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from pydantic import BaseModel

from app.costs.usage import Usage
from app.providers.ports.image import ImageModel, ImageRequest, MadePicture, Preview
from app.providers.ports.model import Model, Source, Stage
from app.providers.ports.text import StructuredAnswer, TextModel, TextPiece, TextRequest
from app.providers.ports.vision import Description, VisionModel, VisionRequest

_NOTE = "A simulated provider made this, not an AI model."


@dataclass(frozen=True, slots=True)
class _Simulated[Inner: Model]:
    """The adapter of a provider that is a stand-in: its calls are booked as the provider's, its results are MOCK."""

    inner: Inner

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.inner.name

    @property
    def model(self) -> str:
        """The model's name."""
        return self.inner.model

    @property
    def source(self) -> Source:
        """Who would really make its answers: calls are booked by it."""
        return self.inner.source


class SimulatedImageModel(_Simulated[ImageModel]):
    """Implements `ImageModel`."""

    def expected_usage(self, request: ImageRequest) -> Usage:
        """The adapter's own guess."""
        return self.inner.expected_usage(request)

    async def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        """The adapter's updates; the picture is a placeholder and says so.

        Raises:
            AppError: as the adapter.
        """
        async with aclosing(self.inner.run(request)) as updates:
            async for update in updates:
                yield replace(update, source=Source.MOCK, note=_NOTE) if isinstance(update, MadePicture) else update


class SimulatedTextModel(_Simulated[TextModel]):
    """Implements `TextModel`."""

    def expected_usage[Shape: BaseModel](self, request: TextRequest[Shape]) -> Usage:
        """The adapter's own guess."""
        return self.inner.expected_usage(request)

    async def structured[Shape: BaseModel](
        self, request: TextRequest[Shape]
    ) -> AsyncGenerator[Stage | TextPiece | StructuredAnswer[Shape]]:
        """The adapter's updates; the answer is a placeholder and says so.

        Raises:
            AppError: as the adapter.
        """
        async with aclosing(self.inner.structured(request)) as updates:
            async for update in updates:
                yield (
                    replace(update, source=Source.MOCK, note=_NOTE) if isinstance(update, StructuredAnswer) else update
                )


class SimulatedVisionModel(_Simulated[VisionModel]):
    """Implements `VisionModel`."""

    def expected_usage(self, request: VisionRequest) -> Usage:
        """The adapter's own guess."""
        return self.inner.expected_usage(request)

    async def describe(self, request: VisionRequest) -> Description:
        """The adapter's answer, a placeholder.

        Raises:
            AppError: as the adapter.
        """
        return replace(await self.inner.describe(request), source=Source.MOCK)
