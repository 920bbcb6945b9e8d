"""Diagnostics as administrators see them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId
from strawberry.scalars import JSON

from app.api.context import Info, viewer
from app.api.enums import ProbeStatus, Status, Suite
from app.api.errors import UserError, errors_in
from app.api.generations import Generation
from app.api.ids import GENERATION, document_id, global_id
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT, Node
from app.api.pictures import Picture
from app.diagnostics import following
from app.diagnostics.results import Run, Tested
from app.errors import not_found
from app.generations import model as stored

TYPE_NAME = "DiagnosticsRun"
_CUT = "Secrets are removed, and what is longer than 16 KB is cut and says so."
_RunId = Annotated[
    strawberry.ID, strawberry.argument(description="The id of a `Generation` of yours that `runDiagnostics` started.")
]


@strawberry.type(description="One test of a run of diagnostics.")
class DiagnosticsTest:
    """Shown from its kept result."""

    name: str = strawberry.field(description="Its name, for programs; it stays the same: `text-completion`.")
    title: str = strawberry.field(description="Its name, for people; `generation.stage` says it while it is made.")
    about: str = strawberry.field(description="What it shows, in a sentence.")
    status: ProbeStatus = strawberry.field(description="Where it stands.")
    duration_ms: int | None = strawberry.field(
        description="How long it took, in milliseconds; null before its end, and when it was skipped."
    )
    request: JSON | None = strawberry.field(
        description=f"What was asked, by the name of each call: the model, the words, the pictures' sizes. {_CUT}"
    )
    response: JSON | None = strawberry.field(
        description=f"What came, by the name of each call: the text, the usage, the request's id, the source. {_CUT}"
    )
    message: str | None = strawberry.field(
        description="What came of it, for people: who really made it, why it failed, or why it was skipped."
    )
    input_ids: strawberry.Private[list[PydanticObjectId]]
    output_ids: strawberry.Private[list[PydanticObjectId]]

    @classmethod
    def of(cls, tested: Tested) -> Self:
        """The test of a run."""
        probe, result = tested.probe, tested.result
        return cls(
            name=probe.name,
            title=probe.title,
            about=probe.about,
            status=result.status,
            duration_ms=result.duration_ms,
            request=result.request,
            response=result.response,
            message=result.message,
            input_ids=result.input_pictures,
            output_ids=result.output_pictures,
        )

    @strawberry.field
    async def input_pictures(self, info: Info) -> list[Picture]:
        """The pictures that went in, in order; those that are gone are left out."""
        return await _shown(info, self.input_ids)

    @strawberry.field
    async def output_pictures(self, info: Info) -> list[Picture]:
        """The pictures that came out, in order; those that are gone are left out."""
        return await _shown(info, self.output_ids)


@strawberry.type(
    description="A run of diagnostics: the tests of a suite, one after another. One that fails stops none."
)
class DiagnosticsRun(Node):
    """Shown from its generation, whose steps are the results."""

    suite: Suite = strawberry.field(description="Which tests.")
    status: Status = strawberry.field(
        description="Where the run stands. It has SUCCEEDED when all its tests were made, whatever came of them."
    )
    tests: list[DiagnosticsTest] = strawberry.field(
        description="All of them, in their order, those that were not made yet among them."
    )
    generation_id: strawberry.Private[PydanticObjectId]

    @classmethod
    def of(cls, run: Run) -> Self:
        """The run of a generation."""
        return cls(
            id=strawberry.ID(global_id(TYPE_NAME, run.generation_id)),
            suite=run.suite,
            status=run.status,
            tests=[DiagnosticsTest.of(one) for one in run.tests],
            generation_id=run.generation_id,
        )

    @strawberry.field
    async def generation(self, info: Info) -> Generation | None:
        """Its work, with every call to a provider and what it cost; null once it is deleted."""
        generation = await info.context.loaders.generations.load(self.generation_id)
        return Generation.of(generation) if generation else None


@strawberry.input(description="Which tests to make.")
class RunDiagnosticsInput:
    """What `runDiagnostics` takes."""

    suite: Suite = strawberry.field(description="Which tests.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.type(description="The run that was started, or why it was not.")
class RunDiagnosticsPayload:
    """What `runDiagnostics` answers."""

    generation: Generation | None = strawberry.field(
        default=None, description="The run's work. Follow the run with `diagnosticsUpdates`."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why it was not started.")


@strawberry.type
class DiagnosticsQuery:
    """Fields of the query root."""

    @strawberry.field
    async def diagnostics(self, info: Info, generation_id: _RunId) -> DiagnosticsRun | None:
        """A run of the viewer's, also while it runs; null when there is none, or it is somebody else's.

        For administrators: FORBIDDEN for others.
        """
        who, identity = viewer(info), document_id(generation_id, GENERATION, "generationId")
        run = await info.context.services.diagnostics.find(who.user_id, identity)
        return DiagnosticsRun.of(run) if run else None


@strawberry.type
class DiagnosticsMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(RunDiagnosticsPayload)
    async def run_diagnostics(
        self, info: Info, input: Annotated[RunDiagnosticsInput, INPUT]
    ) -> RunDiagnosticsPayload | None:
        """See whether everything really works: each test asks the models that are set up, and costs what they cost.

        For administrators, whom `regen admin grant EMAIL` makes: FORBIDDEN for others. Nothing is tried again by
        itself. Follow it with `diagnosticsUpdates`, or read it with `diagnostics`.
        """
        who, call = viewer(info), await keyed(input)
        generation = await info.context.services.diagnostics.start(who.user_id, input.suite, call.key, call.asked)
        return RunDiagnosticsPayload(generation=Generation.of(generation))


@strawberry.type
class DiagnosticsSubscription:
    """Fields of the subscription root."""

    @strawberry.subscription
    async def diagnostics_updates(self, info: Info, generation_id: _RunId) -> AsyncGenerator[DiagnosticsRun]:
        """A run as it stands, then each change of it, whole: a test begins, a test ends. It ends with the run.

        After a cut connection subscribe again: the first one brings all that was missed. For administrators, as long
        as they are.
        """
        who, identity = viewer(info), document_id(generation_id, GENERATION, "generationId")
        services = info.context.services
        if await services.diagnostics.find(who.user_id, identity) is None:
            raise not_found("This run", "generationId")
        async with aclosing(following.updates(services.generations.hub, who.user_id, identity)) as runs:
            async for run in runs:
                yield DiagnosticsRun.of(run)


async def find(info: Info, identity: PydanticObjectId) -> DiagnosticsRun | None:
    """The viewer's own run; null for who is no administrator."""
    who = viewer(info)
    if not await info.context.loaders.administrators.load(who.user_id):
        return None
    run = await info.context.services.diagnostics.find(who.user_id, identity)
    return DiagnosticsRun.of(run) if run else None


async def result(info: Info, generation: stored.Generation) -> DiagnosticsRun | None:
    """What a run that has ended found; null for who is no administrator any more."""
    return await find(info, generation.identity)


async def _shown(info: Info, ids: list[PydanticObjectId]) -> list[Picture]:
    found = await info.context.loaders.pictures.load_many(ids)
    return [Picture.of(picture) for picture in found if picture]
