"""Placeholder answers, for when no provider is configured."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import BaseModel, ValidationError

from app.costs.usage import Usage
from app.errors import AppError, ErrorCode
from app.providers.mock.writing import CantFillError, Schema, Writer
from app.providers.ports.model import Source, Stage
from app.providers.ports.text import StructuredAnswer, TextPiece, TextRequest

_PIECE_CHARACTERS = 48


@dataclass(frozen=True, slots=True)
class MockTextModel:
    """Fills an answer's shape with the user's own words; implements `TextModel`.

    `setting` is the one that makes real answers. Strings that have to match a pattern or a format, and shapes whose
    own validators ask for more than their JSON Schema says, are beyond it. The same request gives the same answer.
    """

    setting: str = "OPENAI_API_KEY"

    @property
    def name(self) -> str:
        """`mock`."""
        return "mock"

    @property
    def model(self) -> str:
        """The writing's name; its number rises when results change."""
        return "placeholder-1"

    @property
    def source(self) -> Source:
        """A placeholder."""
        return Source.MOCK

    def expected_usage[Shape: BaseModel](self, request: TextRequest[Shape]) -> Usage:  # noqa: ARG002 - whatever it is
        """Nothing."""
        return {}

    async def structured[Shape: BaseModel](
        self, request: TextRequest[Shape]
    ) -> AsyncGenerator[Stage | TextPiece | StructuredAnswer[Shape]]:
        """Yield a stage, the answer's JSON in pieces, then the answer.

        Raises:
            AppError: PROVIDER_NOT_CONFIGURED when the shape is one that words can't fill; not retryable.
        """
        yield Stage("writing a placeholder", 10)
        written, value = self._filled(request)
        for at in range(0, len(written), _PIECE_CHARACTERS):
            yield TextPiece(written[at : at + _PIECE_CHARACTERS])
            await asyncio.sleep(0)  # nothing else in here waits: others have their turn
        note = f"A placeholder in the words of the input; no AI model wrote it. Set {self.setting} for real answers."
        yield StructuredAnswer(value, self.source, self.model, note=note)

    def _filled[Shape: BaseModel](self, request: TextRequest[Shape]) -> tuple[str, Shape]:
        """The answer's JSON, and what it is parsed as."""
        schema: Schema = request.shape.model_json_schema()
        definitions = cast("Mapping[str, Schema]", schema.get("$defs", {}))
        try:
            written = json.dumps(Writer.of(request.text, definitions).value(schema), ensure_ascii=False)
            return written, request.shape.model_validate_json(written)
        except CantFillError as error:
            raise self._beyond(request.shape, str(error)) from error
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise self._beyond(
                request.shape, f"{where or 'the whole'}: {first['type']}"
            ) from None  # it quotes the text

    def _beyond(self, shape: type[BaseModel], why: str) -> AppError:
        message = (
            f"No placeholder can be made of {shape.__name__} ({why}). Set {self.setting} for a model that writes it."
        )
        return AppError(ErrorCode.PROVIDER_NOT_CONFIGURED, message)
