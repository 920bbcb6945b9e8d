"""One call to a model, as it is: in the ledger, and noted with what was asked and what came."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

from pydantic import BaseModel

from app.costs.usage import Usage, named
from app.diagnostics.bench import Bench, told
from app.errors import AppError, ErrorCode
from app.generations.work import CalledModel, OpenCall
from app.pictures.model import Picture
from app.providers.ports.image import ImageModel, ImageRequest, MadePicture
from app.providers.ports.model import Model, Source, Stage
from app.providers.ports.text import StructuredAnswer, TextModel, TextRequest
from app.providers.ports.vision import Description, VisionModel, VisionRequest


async def write[Shape: BaseModel](
    bench: Bench, model: TextModel, request: TextRequest[Shape]
) -> StructuredAnswer[Shape]:
    """One answer of a model that writes.

    Raises:
        AppError: those of the call.
    """
    asked = {
        "instructions": request.instructions,
        "text": request.text,
        "shape": list(request.shape.model_fields),
    }
    async with _called(bench, "text", model, asked, model.expected_usage(request)) as call:
        async with aclosing(model.structured(request)) as updates:
            async for update in updates:
                if isinstance(update, StructuredAnswer):
                    call.provider_request_id, call.usage = update.provider_request_id, update.usage
                    bench.response["text"] = {**_of(update), "answer": update.value.model_dump(mode="json")}
                    return update
        raise AppError(ErrorCode.PROVIDER_UNAVAILABLE, "The model ended without an answer.", retryable=True)


async def describe(bench: Bench, model: VisionModel, request: VisionRequest, *shown: Picture) -> Description:
    """One answer of a model that sees; `shown` are the pictures of the request, as they are stored.

    Raises:
        AppError: those of the call.
    """
    asked = {"instructions": request.instructions, "pictures": [told(one) for one in shown]}
    async with _called(bench, "vision", model, asked, model.expected_usage(request)) as call:
        said = await model.describe(request)
        call.provider_request_id, call.usage = said.provider_request_id, said.usage
        bench.response["vision"] = {**_of(said), "text": said.text}
        return said


async def draw(bench: Bench, model: ImageModel, request: ImageRequest, *shown: Picture) -> Picture:
    """One picture of a model that makes them, kept; `shown` are the request's references, as they are stored.

    Raises:
        AppError: those of the call and of the store.
    """
    made = await _drawn(bench, model, request, *shown)
    picture = await bench.makes(made.data)
    bench.response["image"] = {
        **_of(made),
        "applied": list(made.applied),
        "note": made.note,
        "picture": told(picture),
    }
    return picture


async def _drawn(bench: Bench, model: ImageModel, request: ImageRequest, *shown: Picture) -> MadePicture:
    asked = asked_for(request, *shown)
    progress = bench.progress()
    async with _called(bench, "image", model, asked, model.expected_usage(request)) as call:
        async with aclosing(model.run(request)) as updates:
            async for update in updates:
                if isinstance(update, MadePicture):
                    call.provider_request_id, call.usage = update.provider_request_id, update.usage
                    bench.response["image"] = _of(update)
                    return update
                if isinstance(update, Stage):
                    await progress.stage("image", update)
        raise AppError(ErrorCode.NO_IMAGE_RETURNED, "The model returned no picture.", retryable=True)


def asked_for(request: ImageRequest, *shown: Picture) -> dict[str, Any]:
    """What is noted of a request for a picture."""
    return {
        "task": request.task,
        "prompt": request.prompt,
        "wishes": list(request.wishes),
        "previews": request.previews,
        "references": [told(one) for one in shown],
    }


def note_failure(bench: Bench, name: str, error: AppError) -> None:
    """Note in the place of a call's response how it failed."""
    call = error.call
    bench.response[name] = {
        "error": {"code": error.code, "message": error.message, "retryable": error.retryable},
        "requestId": call.request_id if call else None,
        "usage": dict(call.usage) if call else {},
    }


@asynccontextmanager
async def _called(
    bench: Bench, name: str, model: Model, asked: Mapping[str, Any], expected: Usage
) -> AsyncGenerator[OpenCall]:
    """While entered, the call of that name is made: noted, in the ledger, and told of."""
    bench.request[name] = {"provider": model.name, "model": model.model, **asked}
    billable = model.source is Source.PROVIDER
    try:
        async with bench.work.call(CalledModel(model.name, model.model, billable, expected)) as call:
            await bench.at_work()
            yield call
    except AppError as error:
        note_failure(bench, name, error)
        raise


def _of(answer: StructuredAnswer[Any] | Description | MadePicture) -> dict[str, Any]:
    """What all answers say of themselves."""
    return {
        "source": answer.source,
        "model": answer.model,
        "requestId": answer.provider_request_id,
        "usage": named(answer.usage),
    }
