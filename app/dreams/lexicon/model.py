"""The interpretation that is made on this machine, when no model that writes is set up."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from app.costs.usage import Usage
from app.dreams.lexicon.reading import Reading, read
from app.dreams.wording import DreamInput, InterpretationAnswer
from app.errors import AppError, ErrorCode
from app.providers.ports.model import Source, Stage
from app.providers.ports.text import StructuredAnswer, TextPiece, TextRequest

_PIECE_CHARACTERS = 48
_STRONG = 0.6


@dataclass(frozen=True, slots=True)
class LexiconModel:
    """Reads a dream by a lexicon of symbols and feelings; implements `TextModel`, for dreams alone.

    `setting` is the one that makes real interpretations. The same dream gives the same answer.
    """

    setting: str = "OPENAI_API_KEY"

    @property
    def name(self) -> str:
        """`local`."""
        return "local"

    @property
    def model(self) -> str:
        """The lexicon's name; its number rises when results change."""
        return "lexicon-1"

    @property
    def source(self) -> Source:
        """Basic processing on this machine."""
        return Source.LOCAL

    def expected_usage[Shape: BaseModel](self, request: TextRequest[Shape]) -> Usage:  # noqa: ARG002 - whatever it is
        """Nothing."""
        return {}

    async def structured[Shape: BaseModel](
        self, request: TextRequest[Shape]
    ) -> AsyncGenerator[Stage | TextPiece | StructuredAnswer[Shape]]:
        """Yield a stage, the answer's JSON in pieces, then the answer.

        Raises:
            AppError: PROVIDER_NOT_CONFIGURED for anything but a dream that is to be interpreted.
        """
        yield Stage("looking words up", 10)
        try:
            dream = DreamInput.model_validate_json(request.text).dream
            document = _answer(await asyncio.to_thread(read, dream)).model_dump_json()
            value = request.shape.model_validate_json(document)
        except ValidationError:  # its text quotes the dream
            message = f"The lexicon interprets dreams and nothing else. Set {self.setting} for a model that writes."
            raise AppError(ErrorCode.PROVIDER_NOT_CONFIGURED, message) from None
        for at in range(0, len(document), _PIECE_CHARACTERS):
            yield TextPiece(document[at : at + _PIECE_CHARACTERS])
            await asyncio.sleep(0)  # nothing else in here waits: others have their turn
        note = (
            "Put together on this server from the dream's words by a small lexicon of symbols and feelings; no AI "
            f"model has read it. Set {self.setting} for a real interpretation."
        )
        yield StructuredAnswer(value, self.source, self.model, note=note)


def _answer(reading: Reading) -> InterpretationAnswer:
    fields: dict[str, Any] = {
        "narrative": _narrative(reading),
        "meaning": _meaning(reading),
        "symbols": [{"name": one.name, "meaning": one.meaning} for one in reading.symbols],
        "emotions": [{"name": name, "intensity": intensity} for name, intensity in reading.emotions],
        "title": reading.title,
    }
    return InterpretationAnswer.model_validate(fields)


def _narrative(reading: Reading) -> str:
    sentences = [f"It begins: “{reading.first}”"]
    if reading.symbols:
        sentences.append(f"Through it go {_listed([one.name for one in reading.symbols])}.")
    if reading.emotions:
        name, intensity = reading.emotions[0]
        sentences.append(f"{'Strongest' if intensity >= _STRONG else 'Felt'} in it is {name}.")
    if reading.last != reading.first:
        sentences.append(f"And it ends: “{reading.last}”")
    return " ".join(sentences)


def _meaning(reading: Reading) -> str:
    if not reading.symbols and not reading.emotions:
        return "The lexicon knows none of the words of this dream, so there is nothing that it could say about it."
    readings = [f"{one.name.capitalize()}: {one.meaning[:1].lower()}{one.meaning[1:]}" for one in reading.symbols[:3]]
    felt = f"What is felt in it is {_listed([name for name, _ in reading.emotions])}." if reading.emotions else ""
    asked = "Which of this touches your days now, only you can say."
    return " ".join(
        part for part in ("As such things are often read:" if readings else "", *readings, felt, asked) if part
    )


def _listed(items: list[str]) -> str:
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last
