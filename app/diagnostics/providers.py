"""The tests of the suite PROVIDERS: each model that is set up is asked once, as it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from app.diagnostics.bench import Bench, reference_of
from app.diagnostics.calls import describe, draw, write
from app.diagnostics.ports import Test
from app.diagnostics.suites import Names
from app.errors import AppError, ErrorCode
from app.providers.ports.end_user import end_user
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask
from app.providers.ports.model import Reference, Source
from app.providers.ports.text import TextModel, TextRequest
from app.providers.ports.vision import VisionModel, VisionRequest

LOOK = "Say in one or two sentences what this picture shows: the objects, their colours, the background."
_ASK, _QUESTION = "Answer the question in one short sentence.", "Which colours does a rainbow have?"
_DRAW = "A small red sailing boat on a calm blue lake, seen from the shore, in soft morning light."
_WISH = "Make it warmer"
_BY = {
    Source.PROVIDER: "{verb} by {model}.",
    Source.LOCAL: "{verb} by basic processing on this server; no provider was asked.",
    Source.MOCK: "A placeholder; no AI model was asked.",
}


class Reply(BaseModel):
    """What the model that writes is asked for."""

    answer: str


@dataclass(frozen=True, slots=True)
class ProviderTests:
    """The models of the four purposes, and what is asked of each."""

    text: TextModel
    image: ImageModel
    vision: VisionModel
    edit: ImageModel

    @property
    def all(self) -> Mapping[str, Test]:
        """Each by its name."""
        return {
            Names.TEXT: self.completes,
            Names.IMAGE: self.generates,
            Names.VISION: self.sees,
            Names.MODIFICATION: self.modifies,
        }

    async def completes(self, bench: Bench) -> str:
        """An answer with words in it.

        Raises:
            AppError: INVALID_ANSWER for one without; those of the call.
        """
        request = TextRequest(_ASK, _QUESTION, Reply, end_user=end_user(bench.owner_id))
        answer = await write(bench, self.text, request)
        if not answer.value.answer.strip():
            raise AppError(ErrorCode.INVALID_ANSWER, "The model answered without a word.", retryable=True)
        return answered_by(answer.source, answer.model)

    async def generates(self, bench: Bench) -> str:
        """A picture of words.

        Raises:
            AppError: those of the call and of the store.
        """
        request = ImageRequest(ImageTask.CREATE, _DRAW, (), end_user=end_user(bench.owner_id))
        await draw(bench, self.image, request)
        return said_of(bench)

    async def sees(self, bench: Bench) -> str:
        """A description of the sample.

        Raises:
            AppError: those of the call and of the store.
        """
        picture = await bench.takes_sample()
        request = VisionRequest(LOOK, (await reference_of(bench, picture),), end_user=end_user(bench.owner_id))
        said = await describe(bench, self.vision, request, picture)
        return answered_by(said.source, said.model)

    async def modifies(self, bench: Bench) -> str:
        """A description of the sample, then the sample edited by it.

        Raises:
            AppError: those of the two calls and of the store.
        """
        picture = await bench.takes_sample()
        reference: Reference = await reference_of(bench, picture)
        who = end_user(bench.owner_id)
        said = await describe(bench, self.vision, VisionRequest(LOOK, (reference,), end_user=who), picture)
        prompt = f"This is the picture: {said.text.rstrip('.')}. {_WISH}, and leave everything else as it is."
        request = ImageRequest(ImageTask.ADJUST, prompt, (reference,), (_WISH,), end_user=who)
        await draw(bench, self.edit, request, picture)
        return said_of(bench)


def answered_by(source: str, model: str) -> str:
    """Who really answered, in a sentence."""
    return _BY[Source(source)].format(verb="Answered", model=model)


def said_of(bench: Bench) -> str:
    """Who really made the picture, and what it is not."""
    image = bench.response["image"]
    return image["note"] or _BY[Source(image["source"])].format(verb="Made", model=image["model"])
