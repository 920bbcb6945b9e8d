"""POST /v1/images/generations and /v1/images/edits: what is asked and what is answered."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.simulator.answer import Answer, Piece, event, events, json
from app.simulator.call import Asked
from app.simulator.openai.faults import fault, moderated
from app.simulator.pictures import Made, Pictures, Wanted
from app.simulator.scenario import Scenario

_CREATED = 1_790_000_000  # always the same, as everything in an answer
_MARK, _TOO_HUGE_LETTERS = "@filling@", 80 * 1024 * 1024
_TOKENS = {"low": 272, "medium": 1056, "high": 4160}
_REFERENCE_TOKENS, _PARTIAL_TOKENS = 388, 100
_NO_BASE64 = "%%% this is not base64 %%%"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureAsked(Asked):
    """Pictures to be made or edited; `kind` is `image_generation` or `image_edit`, as events are named."""

    kind: str
    width: int
    height: int
    format: str
    count: int
    quality: str
    background: str
    partials: int
    stream: bool

    def wanted(self, number: int = 1) -> Wanted:
        """The picture of that number."""
        return Wanted(self.prompt, self.references, self.width, self.height, self.format, number)

    def told(self) -> dict[str, str]:
        """What every answer repeats."""
        return {
            "background": self.background,
            "output_format": self.format,
            "quality": self.quality,
            "size": f"{self.width}x{self.height}",
        }

    def usage(self) -> dict[str, Any]:
        """Tokens, as the real one counts them, roughly."""
        text, images = max(1, len(self.prompt) // 4), _REFERENCE_TOKENS * len(self.references)
        output = self.count * _TOKENS[self.quality] + self.partials * _PARTIAL_TOKENS
        return {
            "input_tokens": text + images,
            "input_tokens_details": {"text_tokens": text, "image_tokens": images},
            "output_tokens": output,
            "output_tokens_details": {"text_tokens": 0, "image_tokens": output},
            "total_tokens": text + images + output,
        }


@dataclass(frozen=True, slots=True)
class Images:
    """Answers requests for pictures."""

    pictures: Pictures

    def answer(self, asked: PictureAsked, scenario: Scenario) -> Answer:
        """The answer of a scenario; takes a while."""
        answer = moderated() if scenario is Scenario.MODERATION else fault(scenario, asked.model)
        return answer or self._pictures(asked, scenario)

    def _pictures(self, asked: PictureAsked, scenario: Scenario) -> Answer:
        if scenario is Scenario.WRONG_SHAPE:
            return _of_wrong_shape(asked)
        filling = (_MARK, _TOO_HUGE_LETTERS) if scenario is Scenario.TOO_HUGE else None
        if asked.stream:
            return events(self._frames(asked, scenario, filling))
        data = [{"b64_json": self._text(asked, scenario, number)} for number in range(1, asked.count + 1)]
        if scenario is Scenario.EMPTY_CANDIDATES:
            data = []
        if scenario is Scenario.TOO_HUGE:
            data = data[:1]
        body = {"created": _CREATED, **asked.told(), "data": data, "usage": asked.usage()}
        return json(200, body, takes=True, filling=filling)

    def _text(self, asked: PictureAsked, scenario: Scenario, number: int) -> str:
        """The picture as base64, or what a scenario says instead."""
        match scenario:
            case Scenario.WRONG_BASE64:
                return _NO_BASE64
            case Scenario.TOO_HUGE:
                return _MARK
            case Scenario.HUGE:
                picture = self.pictures.huge(asked.wanted(number))
            case Scenario.TRUNCATED:
                picture = self.pictures.make(asked.wanted(number)).picture
                picture = picture[: len(picture) // 2]
            case _:
                picture = self.pictures.make(asked.wanted(number)).picture
        return base64.b64encode(picture).decode()

    def _frames(self, asked: PictureAsked, scenario: Scenario, filling: tuple[str, int] | None) -> Sequence[Piece]:
        if scenario is Scenario.EMPTY_CANDIDATES:
            return [Piece(b": nothing\n\n")]
        made = self.pictures.make(asked.wanted(), asked.partials)
        frames = _partials(asked, made)
        if scenario is Scenario.TRUNCATED:  # ends like a whole one, without its last event
            return frames or [Piece(b": nothing more\n\n")]
        text = self._text(asked, scenario, 1)
        last = {"created_at": _CREATED, **asked.told(), "b64_json": text, "usage": asked.usage()}
        return [*frames, event(f"{asked.kind}.completed", last, filling)]


def _partials(asked: PictureAsked, made: Made) -> list[Piece]:
    """One event for each look at unfinished work."""
    return [
        event(
            f"{asked.kind}.partial_image",
            {
                "created_at": _CREATED,
                **asked.told(),
                "partial_image_index": index,
                "b64_json": base64.b64encode(partial).decode(),
            },
        )
        for index, partial in enumerate(made.partials)
    ]


def _of_wrong_shape(asked: PictureAsked) -> Answer:
    """Valid JSON that is no answer."""
    odd: dict[str, Any] = {"created": "today", "data": "none", "b64_json": 3, "usage": []}
    return events([event(f"{asked.kind}.completed", odd)]) if asked.stream else json(200, odd, takes=True)
