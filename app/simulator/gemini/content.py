"""POST /v1beta/models/{model}:generateContent."""

import base64
from dataclasses import dataclass
from typing import Any

from app.simulator.answer import Answer, json
from app.simulator.call import prompt_hash
from app.simulator.gemini.faults import fault
from app.simulator.gemini.requests import ContentAsked
from app.simulator.pictures import Pictures, Wanted
from app.simulator.scenario import Scenario

_MARK, _TOO_HUGE_LETTERS = "@filling@", 80 * 1024 * 1024
_REFERENCE_TOKENS, _PICTURE_TOKENS, _TEXT_TOKENS = 258, 1120, 12
_WORDS = "Which of the two shall I change?"
_FINISH = {
    Scenario.IMAGE_SAFETY: "IMAGE_SAFETY",
    Scenario.NO_IMAGE: "NO_IMAGE",
    Scenario.TRUNCATED: "MAX_TOKENS",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """Answers requests for pictures."""

    pictures: Pictures

    def answer(self, asked: ContentAsked, scenario: Scenario) -> Answer:
        """The answer of a scenario; takes a while."""
        if answer := fault(scenario, asked.model):
            return answer
        filling = (_MARK, _TOO_HUGE_LETTERS) if scenario is Scenario.TOO_HUGE else None
        return json(200, self._body(asked, scenario), takes=True, filling=filling)

    def _body(self, asked: ContentAsked, scenario: Scenario) -> dict[str, Any]:
        identity = prompt_hash("\n".join((asked.prompt, *asked.references)))
        told = {"modelVersion": asked.model, "responseId": f"sim-{identity}"}
        match scenario:
            case Scenario.BLOCKED_PROMPT:
                feedback = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
                return {**feedback, "usageMetadata": _usage(asked, 0, 0), **told}
            case Scenario.EMPTY_CANDIDATES:
                return {"usageMetadata": _usage(asked, 0, 0), **told}
            case Scenario.WRONG_SHAPE:
                return {"candidates": [{"content": {"parts": "none"}, "finishReason": 3}], **told}
            case Scenario.IMAGE_SAFETY | Scenario.NO_IMAGE:
                return {"candidates": [_candidate([], scenario)], "usageMetadata": _usage(asked, 0, 0), **told}
            case _:
                parts = self._parts(asked, scenario)
                count = sum("inlineData" in part for part in parts)
                usage = _usage(asked, count, len(parts) - count)
                return {"candidates": [_candidate(parts, scenario)], "usageMetadata": usage, **told}

    def _parts(self, asked: ContentAsked, scenario: Scenario) -> list[dict[str, Any]]:
        if scenario is Scenario.TEXT_ONLY or not asked.with_picture:
            return [{"text": _WORDS}]
        inline = {"inlineData": {"mimeType": "image/png", "data": self._data(asked, scenario)}}
        return [{"text": "Here is the simulated picture."}, inline] if asked.with_text else [inline]

    def _data(self, asked: ContentAsked, scenario: Scenario) -> str:
        wanted = Wanted(asked.prompt, asked.references, asked.width, asked.height, "png")
        match scenario:
            case Scenario.WRONG_BASE64:
                return "%%% this is not base64 %%%"
            case Scenario.TOO_HUGE:
                return _MARK
            case Scenario.HUGE:
                picture = self.pictures.huge(wanted)
            case Scenario.TRUNCATED:
                picture = self.pictures.make(wanted).picture
                picture = picture[: len(picture) // 2]
            case _:
                picture = self.pictures.make(wanted).picture
        return base64.b64encode(picture).decode()


def _candidate(parts: list[dict[str, Any]], scenario: Scenario) -> dict[str, Any]:
    content = {"content": {"role": "model", "parts": parts}} if parts else {}
    return {**content, "finishReason": _FINISH.get(scenario, "STOP"), "index": 0}


def _usage(asked: ContentAsked, pictures: int, texts: int) -> dict[str, Any]:
    text, images = max(1, len(asked.prompt) // 4), _REFERENCE_TOKENS * len(asked.references)
    made = {"TEXT": texts * _TEXT_TOKENS, "IMAGE": pictures * _PICTURE_TOKENS}
    given = {"TEXT": text, "IMAGE": images}
    return {
        "promptTokenCount": text + images,
        "candidatesTokenCount": sum(made.values()),
        "totalTokenCount": text + images + sum(made.values()),
        "promptTokensDetails": _details(given),
        "candidatesTokensDetails": _details(made),
    }


def _details(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"modality": name, "tokenCount": count} for name, count in counts.items() if count]
