"""POST /v1/responses: structured text, or words about pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from app.simulator.answer import Answer, Piece, event, events, json
from app.simulator.call import prompt_hash
from app.simulator.openai.faults import fault, prompt_refused
from app.simulator.openai.text_requests import TextAsked
from app.simulator.pictures import HUGE_BYTES
from app.simulator.scenario import Scenario
from app.simulator.writing import Writer

_CREATED = 1_790_000_000.0  # always the same, as everything in an answer
_DELTAS = 8
_MARK, _TOO_HUGE_LETTERS = "@filling@", 80 * 1024 * 1024
_REFUSAL = "I'm sorry, but I can't help with that."
_REFERENCE_TOKENS = 85


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a response ends: its status, why it is incomplete, and the one part of its message, null for none."""

    part: dict[str, Any] | None
    status: str = "completed"
    why: str | None = None


def answer_response(asked: TextAsked, scenario: Scenario) -> Answer:
    """The answer of a scenario."""
    answer = prompt_refused() if scenario is Scenario.BLOCKED_PROMPT else fault(scenario, asked.model)
    return answer or _response(asked, scenario)


def _response(asked: TextAsked, scenario: Scenario) -> Answer:
    ending = _ending(asked, scenario)
    filling = (_MARK, _TOO_HUGE_LETTERS) if scenario is Scenario.TOO_HUGE else None
    body = _body(asked, ending)
    if not asked.stream:
        return json(200, body, takes=True, filling=filling)
    if filling:  # the pieces of a text this long are its last event alone
        return events([event("response.completed", {"sequence_number": 0, "response": body}, filling)])
    return events(list(_frames(asked, ending, body)))


def _ending(asked: TextAsked, scenario: Scenario) -> _Ending:
    text = _text(asked, is_echo=scenario is Scenario.ECHO)
    endings = {
        Scenario.EMPTY_CANDIDATES: _Ending(None),
        Scenario.REFUSAL: _Ending({"type": "refusal", "refusal": _REFUSAL}),
        Scenario.ECHO_REFUSAL: _Ending({"type": "refusal", "refusal": _told(asked)}),
        Scenario.MODERATION: _Ending(_part(text[: len(text) // 3]), "incomplete", "content_filter"),
        Scenario.TRUNCATED: _Ending(_part(text[: len(text) // 2]), "incomplete", "max_output_tokens"),
        Scenario.WRONG_SHAPE: _Ending(_part('{"unasked": ["for"]}')),
        Scenario.TOO_HUGE: _Ending(_part(_MARK)),
    }
    if scenario is Scenario.HUGE:
        return _Ending(_part(text.ljust(HUGE_BYTES)))
    return endings.get(scenario, _Ending(_part(text)))


def _text(asked: TextAsked, *, is_echo: bool) -> str:
    """What the model writes; an echo is all that it was told."""
    told = _told(asked)
    if asked.schema is not None:
        seed = "\n".join((told, *asked.references))
        return orjson.dumps(Writer(asked.schema, seed, told if is_echo else None).value()).decode()
    if is_echo:
        return told
    count = len(asked.references)
    pictures = f"{count} picture{'' if count == 1 else 's'}"
    digest = prompt_hash(asked.prompt)
    return f"A simulated answer to the prompt {digest}, which came with {pictures}: calm light, a few round forms."


def _told(asked: TextAsked) -> str:
    return f"{asked.instructions}\n{asked.prompt}"


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _body(asked: TextAsked, ending: _Ending) -> dict[str, Any]:
    part = ending.part
    return {
        "id": f"resp_{_identity(asked)}",
        "object": "response",
        "created_at": _CREATED,
        "status": ending.status,
        "error": None,
        "incomplete_details": {"reason": ending.why} if ending.why else None,
        "instructions": asked.instructions or None,
        "model": asked.model,
        "output": [_message(asked, [part], ending.status)] if part else [],
        "parallel_tool_calls": True,
        "store": False,
        "text": {"format": asked.text_format},
        "tool_choice": "auto",
        "tools": [],
        "truncation": "disabled",
        "usage": _usage(asked, part),
    }


def _usage(asked: TextAsked, part: dict[str, Any] | None) -> dict[str, Any]:
    given = max(1, (len(asked.prompt) + len(asked.instructions)) // 4) + _REFERENCE_TOKENS * len(asked.references)
    made = len(part.get("text", _REFUSAL)) // 4 if part else 0
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + made,
    }


def _message(asked: TextAsked, content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    identity = f"msg_{_identity(asked)}"
    return {"id": identity, "type": "message", "role": "assistant", "status": status, "content": content}


def _frames(asked: TextAsked, ending: _Ending, body: dict[str, Any]) -> Iterator[Piece]:
    """The events of a stream, numbered from 0."""
    begun: dict[str, Any] = {**body, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    told: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
    ]
    if ending.part:
        told += _of_message(asked, ending, ending.part)
    told.append((f"response.{ending.status}", {"response": body}))
    for number, (name, value) in enumerate(told):
        yield event(name, {"sequence_number": number, **value})


def _of_message(asked: TextAsked, ending: _Ending, part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """From the message's beginning to its end."""
    where = {"item_id": f"msg_{_identity(asked)}", "output_index": 0, "content_index": 0}
    key, name = ("refusal", "refusal") if part["type"] == "refusal" else ("text", "output_text")
    text: str = part[key]
    more: dict[str, Any] = {} if key == "refusal" else {"logprobs": []}
    step = max(1, -(-len(text) // _DELTAS))
    deltas = [text[start : start + step] for start in range(0, len(text), step)]
    return [
        ("response.output_item.added", {"output_index": 0, "item": _message(asked, [], "in_progress")}),
        ("response.content_part.added", {**where, "part": {**part, key: ""}}),
        *((f"response.{name}.delta", {**where, **more, "delta": delta}) for delta in deltas),
        (f"response.{name}.done", {**where, **more, key: text}),
        ("response.content_part.done", {**where, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": _message(asked, [part], ending.status)}),
    ]


def _identity(asked: TextAsked) -> str:
    return prompt_hash("\n".join((asked.instructions, asked.prompt, *asked.references)))
