"""Reading what Gemini's clients send."""

from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request

from app.simulator.answer import RefusedError
from app.simulator.bodies import bytes_of_base64, fingerprint, json_of
from app.simulator.call import Asked
from app.simulator.gemini.faults import bad_request, no_key

_SIZES: Final = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
_SCALES: Final = {"512": 0.5, "1K": 1, "2K": 2, "4K": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentAsked(Asked):
    """A picture to be made, of that size, and whether words may come with it, or come alone."""

    width: int
    height: int
    with_picture: bool
    with_text: bool


def key_of(request: Request) -> str:
    """The API key.

    Raises:
        RefusedError: there is none.
    """
    key = request.headers.get("x-goog-api-key") or request.query_params.get("key")
    if not key:
        raise RefusedError(no_key())
    return key


async def read_content(request: Request) -> ContentAsked:
    """POST /v1beta/models/{model}:generateContent.

    Raises:
        RefusedError: something is missing or wrong.
    """
    key, model = key_of(request), request.path_params["model"]
    return await json_of(request, lambda body: _asked(key, model, body), bad_request)


async def read_models(request: Request) -> Asked:
    """A list when no model is named.

    Raises:
        RefusedError: no key came.
    """
    return Asked(key=key_of(request), model=request.path_params.get("model"))


def _asked(key: str, model: str, body: dict[str, Any]) -> ContentAsked:
    parts = [part for content in body["contents"] for part in content["parts"]]
    system: dict[str, Any] = body.get("systemInstruction") or {}
    config: dict[str, Any] = body.get("generationConfig") or {}
    image: dict[str, Any] = config.get("imageConfig") or {}
    width, height = _SIZES[image.get("aspectRatio") or "1:1"]
    scale = _SCALES[image.get("imageSize") or "1K"]
    modalities: list[str] = config.get("responseModalities") or ["TEXT", "IMAGE"]
    inline = [part.get("inlineData") or part.get("inline_data") for part in parts]
    return ContentAsked(
        key=key,
        model=model,
        prompt="\n".join(part["text"] for part in parts if "text" in part),
        instructions="\n".join(part.get("text", "") for part in system.get("parts", ())),
        references=tuple(fingerprint(bytes_of_base64(one["data"])) for one in inline if one),
        width=round(width * scale),
        height=round(height * scale),
        with_picture="IMAGE" in modalities,
        with_text="TEXT" in modalities,
    )
