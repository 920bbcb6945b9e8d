"""Reading POST /v1/responses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from app.simulator.bodies import fingerprint, json_of, picture_of_data_url
from app.simulator.call import Asked
from app.simulator.openai.faults import bad_request
from app.simulator.openai.request import key_of
from app.simulator.writing import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAsked(Asked):
    """A text to be written; `schema` is the JSON schema it has to fit, null for plain words."""

    schema: Schema | None
    stream: bool
    text_format: dict[str, Any]


async def read_response(request: Request) -> TextAsked:
    """POST /v1/responses.

    Raises:
        RefusedError: something is missing or wrong.
    """
    key = key_of(request)
    return await json_of(request, lambda body: _asked(key, body), bad_request)


def _asked(key: str, body: dict[str, Any]) -> TextAsked:
    text: dict[str, Any] = body.get("text") or {}
    text_format: dict[str, Any] = text.get("format") or {"type": "text"}
    parts = list(_parts(body["input"]))
    texts = [part["text"] for part in parts if part["type"] in {"input_text", "output_text", "text"}]
    urls = [part["image_url"] for part in parts if part["type"] == "input_image"]
    instructions = body.get("instructions") or ""
    return TextAsked(
        key=key,
        model=str(body["model"]),
        prompt="\n".join(texts),
        instructions=instructions,
        references=tuple(fingerprint(picture_of_data_url(url)[0]) for url in urls),
        schema=text_format["schema"] if text_format["type"] == "json_schema" else None,
        stream=bool(body.get("stream")),
        text_format=text_format,
    )


def _parts(given: Any) -> Iterator[dict[str, Any]]:
    """The parts of all messages, in order; a plain text is one part."""
    if isinstance(given, str):
        yield {"type": "input_text", "text": given}
        return
    for message in given:
        content = message.get("content", [])
        if isinstance(content, str):
            yield {"type": "input_text", "text": content}
        else:
            yield from content
