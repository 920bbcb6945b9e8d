"""The tests of the suite FULL_FLOW: what people do, the way the products do it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.chats.wording import INSTRUCTIONS, full_prompt
from app.costs.usage import named
from app.diagnostics.bench import Bench, reference_of, told
from app.diagnostics.calls import asked_for, describe, note_failure
from app.diagnostics.ports import Examine, Test, WholeFlow
from app.diagnostics.providers import LOOK, answered_by, said_of
from app.diagnostics.suites import Names
from app.errors import AppError, ErrorCode
from app.making.chosen import Chosen
from app.making.pictures import PictureMaker
from app.pictures.model import Picture
from app.providers.ports.end_user import end_user
from app.providers.ports.image import ImageModel, ImageRequest, ImageTask
from app.providers.ports.vision import VisionModel, VisionRequest

_DRAW = "A lighthouse on a rocky coast at dusk, its lamp just lit, gulls in the air."
_DRAW_ALIKE = "A lantern on a wooden table, in the colours and the manner of the reference."


@dataclass(frozen=True, slots=True)
class FlowTests:
    """What the products are made of."""

    maker: PictureMaker
    image: ImageModel
    vision: VisionModel
    examine: Examine
    whole: WholeFlow

    @property
    def all(self) -> Mapping[str, Test]:
        """Each by its name."""
        return {
            Names.CONFIGURATION: self.is_configured,
            Names.SIMPLE: self.generates,
            Names.REFERENCE: self.generates_alike,
            Names.ANALYSIS: self.analyses,
            Names.WHOLE_FLOW: self.whole.run,
        }

    async def is_configured(self, bench: Bench) -> str:
        """All that is set up is well.

        Raises:
            AppError: UNAVAILABLE with what is not.
        """
        found = await self.examine()
        bench.response.update(found.facts)
        if found.problems:
            raise AppError(ErrorCode.UNAVAILABLE, " ".join(found.problems))
        return "Database and queue answer, and nothing that is set up is a placeholder."

    async def generates(self, bench: Bench) -> str:
        """A picture of words, made and stored.

        Raises:
            AppError: those of the call and of the store.
        """
        await self._make(bench, _DRAW)
        return said_of(bench)

    async def generates_alike(self, bench: Bench) -> str:
        """A picture of words and of a reference, as in a chat: described first, then given along.

        Raises:
            AppError: those of the two calls and of the store.
        """
        picture = await bench.takes_sample()
        described = await self._described(bench, picture, INSTRUCTIONS)
        await self._make(bench, full_prompt(_DRAW_ALIKE, None, [described], None), picture)
        return said_of(bench)

    async def analyses(self, bench: Bench) -> str:
        """A stored picture, read back and described.

        Raises:
            AppError: INVALID_ANSWER when nothing was said of it; those of the call and of the store.
        """
        if not await self._described(bench, await bench.takes_sample()):
            raise AppError(ErrorCode.INVALID_ANSWER, "The model said nothing about the picture.", retryable=True)
        vision = bench.response["vision"]
        return answered_by(vision["source"], vision["model"])

    async def _described(self, bench: Bench, picture: Picture, instructions: str = LOOK) -> str:
        request = VisionRequest(instructions, (await reference_of(bench, picture),), end_user=end_user(bench.owner_id))
        return (await describe(bench, self.vision, request, picture)).text

    async def _make(self, bench: Bench, prompt: str, *guides: Picture) -> None:
        """One picture by the maker that the products use, noted with its entry in the ledger."""
        references = tuple([await reference_of(bench, one) for one in guides])
        request = ImageRequest(ImageTask.CREATE, prompt, references, end_user=end_user(bench.owner_id))
        by = Chosen(self.image.name, self.image.model)
        bench.request["image"] = {"provider": by.provider, "model": by.model, **asked_for(request, *guides)}

        async def prepared() -> ImageRequest:
            return request

        number = bench.work.journal.next_call
        try:
            made = await self.maker.make(bench.work, bench.probe.name, prepared, bench.progress(), by)
        except AppError as error:
            note_failure(bench, "image", error)
            raise
        bench.outputs.extend(made.pictures)
        kept = await Picture.by_ids(made.pictures)
        bench.response["image"] = {
            **{name: made.values[name] for name in ("source", "model", "applied", "note")},
            **_ledger(bench, number),
            "picture": told(kept[made.pictures[0]]),
        }


def _ledger(bench: Bench, number: int) -> dict[str, Any]:
    """What the ledger says of the call of that number."""
    for call in bench.work.generation.calls:
        if call.number == number:
            return {"requestId": call.provider_request_id, "usage": named(call.usage)}
    return {"requestId": None, "usage": {}}
