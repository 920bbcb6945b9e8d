"""Models behind their guards."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial

from pydantic import BaseModel

from app.costs.usage import Usage
from app.providers.guard import Guard
from app.providers.ports.image import ImageModel, ImageRequest, MadePicture, Preview
from app.providers.ports.model import Model, Source, Stage
from app.providers.ports.text import StructuredAnswer, TextModel, TextPiece, TextRequest
from app.providers.ports.vision import Description, VisionModel, VisionRequest


@dataclass(frozen=True, slots=True)
class _Guarded[Inner: Model]:
    """A model as it is, but for its calls."""

    inner: Inner
    guard: Guard

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
        """Who really makes its answers."""
        return self.inner.source


@dataclass(frozen=True, slots=True)
class GuardedImageModel(_Guarded[ImageModel]):
    """Implements `ImageModel`; what is made of references, an operation of its own, has the guard `edits`."""

    edits: Guard | None = None

    def expected_usage(self, request: ImageRequest) -> Usage:
        """The model's own guess."""
        return self.inner.expected_usage(request)

    def run(self, request: ImageRequest) -> AsyncGenerator[Stage | Preview | MadePicture]:
        """The model's updates, guarded.

        Raises:
            AppError: TIMEOUT, retryable, at the deadline; those of the model and of the breaker.
        """
        guard = self.edits if self.edits is not None and request.references else self.guard
        return guard.many(self.inner.run(request), MadePicture)


class GuardedTextModel(_Guarded[TextModel]):
    """Implements `TextModel`."""

    def expected_usage[Shape: BaseModel](self, request: TextRequest[Shape]) -> Usage:
        """The model's own guess."""
        return self.inner.expected_usage(request)

    def structured[Shape: BaseModel](
        self, request: TextRequest[Shape]
    ) -> AsyncGenerator[Stage | TextPiece | StructuredAnswer[Shape]]:
        """The model's updates, guarded.

        Raises:
            AppError: TIMEOUT, retryable, at the deadline; those of the model and of the breaker.
        """
        return self.guard.many(self.inner.structured(request), StructuredAnswer)


class GuardedVisionModel(_Guarded[VisionModel]):
    """Implements `VisionModel`."""

    def expected_usage(self, request: VisionRequest) -> Usage:
        """The model's own guess."""
        return self.inner.expected_usage(request)

    async def describe(self, request: VisionRequest) -> Description:
        """The model's answer, guarded.

        Raises:
            AppError: TIMEOUT, retryable, at the deadline; those of the model and of the breaker.
        """
        return await self.guard.one(partial(self.inner.describe, request))
