"""What came of a message in a project, read back as a person reads it and compared with what was sent."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from app.chats.exchange import AnswerStatus, Exchange
from app.chats.frames import frames_in_order
from app.chats.image import ChatImage
from app.chats.listing import MessageRole, Span, messages
from app.chats.model import Chat
from app.chats.slots import image_step
from app.chats.wording import answer_text
from app.costs.usage import named
from app.database.keyset import Stretch
from app.diagnostics.bench import Bench, told
from app.errors import AppError, ErrorCode, not_found
from app.generations.attempts import Call
from app.generations.model import Generation
from app.pictures.model import Picture
from app.projects.model import Project

_STRETCH = 10


class Way(NamedTuple):
    """What the way led through; `sample` is the context's picture, and the message's reference."""

    project: Project
    context: Chat
    frame: Chat
    sample: Picture


class _Read(NamedTuple):
    """What there is now."""

    project: Project
    frames: Sequence[Chat]
    contexts: Sequence[Chat]
    roles: Sequence[MessageRole]
    exchange: Exchange
    image: ChatImage
    picture: Picture
    data: bytes


def note_work(bench: Bench, generation: Generation) -> None:
    """Note what the ledger says of the work on an answer, and why it failed."""
    failure = generation.failure
    bench.response["generation"] = {
        "status": generation.status,
        "calls": [_told_of_call(call) for call in generation.calls],
        "error": failure and {"code": failure.code, "message": failure.message, "retryable": failure.retryable},
    }
    if made := generation.steps.get(image_step(0)):
        names = ("source", "model", "applied", "note")
        bench.response["image"] = {name: made[name] for name in names}


async def read_back(bench: Bench, way: Way, message: str) -> None:
    """Read everything, note it, and compare it with what was sent.

    Raises:
        AppError: NOT_FOUND when something is not there; INTERNAL when it is not as it was sent; those of the store.
    """
    read = await _read(bench, way)
    bench.outputs.append(read.picture.identity)
    bench.response["message"] = _told_of_answer(read.exchange)
    bench.response["image"] = {**bench.response["image"], "picture": told(read.picture)}
    checks = _checks(way, read, message)
    bench.response["asItWasSent"] = checks
    if wrong := [name for name, is_right in checks.items() if not is_right]:
        raise AppError(ErrorCode.INTERNAL, f"This is not as it was sent: {', '.join(wrong)}.")


async def _read(bench: Bench, way: Way) -> _Read:
    project_id, frame_id = way.project.identity, way.frame.identity
    project = _there("The project", (await Project.by_ids([project_id])).get(project_id))
    frames = (await frames_in_order([project_id])).get(project_id, [])
    contexts = (await Chat.contexts_of([project_id], Stretch(_STRETCH))).get(project_id, [])
    chat = _there("The frame's chat", next((one for one in frames if one.identity == frame_id), None))
    said = await messages(chat, Span(_STRETCH))
    exchange = _there("The answer", said[-1].exchange if said else None)
    image_id = exchange.slots[0].image_id
    image = _there("The image", (await ChatImage.by_ids([image_id])).get(image_id))
    picture = _there("The picture", (await Picture.by_ids([image.picture_id])).get(image.picture_id))
    roles = [one.role for one in said]
    return _Read(project, frames, contexts, roles, exchange, image, picture, await bench.pictures.read(picture))


def _checks(way: Way, read: _Read, message: str) -> dict[str, bool]:
    """By what is looked at, whether it is as it was sent."""
    before, now, answer = way.project, read.project, read.exchange
    texts = [one.text for one in answer.analyses]
    prompt = answer.full_prompt or ""
    return {
        "project": (now.name, now.context_text) == (before.name, before.context_text),
        "context": [_shown(one) for one in read.contexts] == [_shown(way.context)],
        "frame": [_shown(one) for one in read.frames] == [_shown(way.frame)],
        "messages": list(read.roles) == [MessageRole.USER, MessageRole.ASSISTANT] and answer.prompt == message,
        "reference": [one.sha256 for one in answer.references] == [way.sample.sha256],
        "description": len(texts) == 1 and bool(texts[0].strip()),
        "promptWithDescription": prompt.startswith(message) and all(text in prompt for text in texts),
        "promptWithContext": answer.with_context and now.context_text in prompt,
        "answer": answer.status is AnswerStatus.READY and len(answer.slots) == 1,
        "image": (read.image.exchange_id, read.image.prompts) == (answer.identity, (message,)),
        "bytes": sha256(read.data).hexdigest() == read.picture.sha256,
    }


def _shown(chat: Chat) -> tuple[object, ...]:
    return chat.identity, chat.title, chat.text, chat.picture_ids


def _told_of_answer(exchange: Exchange) -> Mapping[str, Any]:
    return {
        "status": exchange.status,
        "text": answer_text(exchange.analyses, exchange.status, [slot.status for slot in exchange.slots]),
        "prompt": exchange.full_prompt,
        "analyses": [
            {"source": one.source, "model": one.model, "remembered": one.remembered, "text": one.text}
            for one in exchange.analyses
        ],
    }


def _told_of_call(call: Call) -> Mapping[str, Any]:
    return {
        "provider": call.provider,
        "model": call.model,
        "outcome": call.outcome,
        "requestId": call.provider_request_id,
        "usage": named(call.usage),
        "durationMs": call.ended_at and round((call.ended_at - call.started_at).total_seconds() * 1000),
    }


def _there[T](what: str, found: T | None) -> T:
    """It.

    Raises:
        AppError: NOT_FOUND.
    """
    if found is None:
        raise not_found(what)
    return found
