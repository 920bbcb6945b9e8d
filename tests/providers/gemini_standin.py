"""A stand-in that speaks Gemini's wire format; the API key names what it answers."""

import base64
import contextlib
import io
import json
import socket
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = _png()
THOUGHT = b"\x89PNG a sketch"
_RPC = "type.googleapis.com/google.rpc."
_DAILY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
_MINUTELY = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"


@dataclass(frozen=True)
class Seen:
    """A request that arrived, and the client's port it came from."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    port: int


@dataclass
class Standin:
    """The running server and what it saw; `hung` and `disconnected` are of the scenario `key-silent`."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    hung: threading.Event = field(default_factory=threading.Event)
    disconnected: threading.Event = field(default_factory=threading.Event)

    def clear(self) -> None:
        self.seen.clear()
        self.hung.clear()
        self.disconnected.clear()


def _inline(data: bytes, media_type: str = "image/png") -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": base64.b64encode(data).decode()}}


def _answer(*parts: dict[str, Any], finish: str = "STOP", **candidate: str) -> tuple[int, Any]:
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    usage = {"promptTokenCount": 1300, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}]}
    answer = {"candidates": [{"finishReason": finish, **content, **candidate}], "usageMetadata": usage}
    return 200, {**answer, "responseId": "response-1"}


def _error(code: int, status: str, message: str, *details: dict[str, Any]) -> tuple[int, Any]:
    return code, {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def _reason(reason: str) -> dict[str, Any]:
    return {"@type": f"{_RPC}ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def _limited(message: str, quota: str, delay: str) -> tuple[int, Any]:
    violation = {"quotaMetric": "generativelanguage.googleapis.com/requests", "quotaId": quota}
    return _error(
        429,
        "RESOURCE_EXHAUSTED",
        message,
        {"@type": f"{_RPC}Help", "links": [{"url": "https://ai.google.dev/gemini-api/docs/rate-limits"}]},
        {"@type": f"{_RPC}QuotaFailure", "violations": [violation]},
        {"@type": f"{_RPC}RetryInfo", "retryDelay": delay},
    )


_EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
_SKETCH = {**_inline(THOUGHT), "thought": True}

ANSWERS: dict[str, tuple[int, Any]] = {
    "key-picture": _answer({"text": "Here it is."}, _SKETCH, _inline(PICTURE), _inline(b"another")),
    "key-sound": _answer(_inline(b"RIFF", "audio/wav"), _inline(PICTURE, "image/webp")),
    "key-prompt-blocked": (200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "responseId": "response-1"}),
    "key-prompt-blocked-unnamed": (200, {"promptFeedback": {"blockReason": "OTHER"}}),
    "key-image-safety": _answer(finish="IMAGE_SAFETY"),
    "key-prohibited": _answer({"text": "I made it, but"}, finish="IMAGE_PROHIBITED_CONTENT"),
    "key-recitation": _answer(finish="IMAGE_RECITATION"),
    "key-no-image": _answer(finish="NO_IMAGE"),
    "key-talkative": _answer({"text": f"I hold key-talkative and AIza{'x' * 35}. " + "So sorry. " * 99}),
    "key-text-only": _answer({"text": "Plan: redraw.", "thought": True}, {"text": "Which ornament do you mean?"}),
    "key-new-reason": _answer(finish="MOON_PHASE"),
    "key-continuation": _answer(finish="CONTINUATION", continuationToken="AAAA"),
    "key-nothing": (200, {}),
    "key-invalid": _error(
        400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", _reason("API_KEY_INVALID")
    ),
    "key-unauthenticated": _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "key-suspended": _error(403, "PERMISSION_DENIED", "Consumer 'api_key:key-suspended' has been suspended."),
    "key-minute": _limited(f"{_EXCEEDED}\nQuota exceeded for metric: requests, limit: 10", _MINUTELY, "17.5s"),
    "key-day": _limited(f"{_EXCEEDED}\nQuota exceeded for metric: requests, limit: 100", _DAILY, "17s"),
    "key-limit-zero": _limited(f"{_EXCEEDED}\n* limit: 0, model: gemini-image\nPlease retry in 20s.", _MINUTELY, "20s"),
    "key-no-credits": _error(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
    "key-exhausted": _error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "key-model-gone": _error(404, "NOT_FOUND", "models/gemini-image is not found for API version v1."),
    "key-text-model": _error(400, "INVALID_ARGUMENT", "Model does not support the requested response modalities."),
    "key-country": _error(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    "key-bad-picture": _error(400, "INVALID_ARGUMENT", "Unable to process input image."),
    "key-leaky": _error(
        500,
        "INTERNAL",
        "Failed at https://example.test/v1/models?key=key-leaky&alt=sse for\nkey-leaky "
        f"and AIza{'x' * 35}: " + "very " * 200,
    ),
    "key-overloaded": _error(
        503, "UNAVAILABLE", "The model is overloaded.", {"@type": f"{_RPC}RetryInfo", "retryDelay": "4s"}
    ),
    "key-deadline": _error(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    "key-moved": (302, {}),
    "key-list": (200, []),
    "key-odd-shape": (200, {"candidates": [{"content": {"parts": "none"}}]}),
    "key-odd-reason": (200, {"candidates": [{"finishReason": 3}]}),
    "key-broken-base64": (200, {"candidates": [{"content": {"parts": [{"inlineData": {"data": "%%%"}}]}}]}),
}
RAW: dict[str, tuple[int, bytes]] = {
    "key-broken-json": (200, b'{"candidates": [{"content": {"parts": [{"inlineData": {"data": "iVBORw0KGgo'),
    "key-error-not-unicode": (500, b'{"error": "\xff\xfe"}'),
    "key-proxy-page": (502, b"<html><h1>Bad gateway of host secret.internal</h1></html>"),
}


@dataclass(frozen=True)
class _App:
    standin: Standin

    async def answer(self, request: Request) -> Response:
        key = request.headers.get("x-goog-api-key", "")
        port = request.client.port if request.client else 0
        body = json.loads(await request.body())
        self.standin.seen.append(Seen(request.url.path, dict(request.headers), body, port))
        if key == "key-silent":
            return await self._hang(request)
        if key == "key-cut-off":
            return Response(b'{"candidates": ', headers={"content-length": "1000"})
        if key in RAW:
            status, raw = RAW[key]
            return Response(raw, status, {"content-type": "application/json"})
        status, answer = ANSWERS[key]
        headers = {"content-type": "application/json; charset=UTF-8", "location": "/elsewhere"}
        return Response(json.dumps(answer), status, headers)

    async def _hang(self, request: Request) -> Response:
        self.standin.hung.set()
        message = await request.receive()
        if message["type"] == "http.disconnect":
            self.standin.disconnected.set()
        return Response(status_code=499)


@contextlib.contextmanager
def serve() -> Generator[Standin]:
    """Serve on a free port of this machine, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        standin = Standin(f"http://127.0.0.1:{listener.getsockname()[1]}")
        routes = [Route("/{path:path}", _App(standin).answer, methods=["POST"])]
        config = uvicorn.Config(Starlette(routes=routes), log_config=None, ws="none", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield standin
        finally:
            server.should_exit = True
            thread.join()
