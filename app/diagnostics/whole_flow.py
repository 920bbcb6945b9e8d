"""The whole way of a person through a project, by the use cases that the API calls; implements `WholeFlow`.

It is gone inside a generation of the same owner, and must not wait for what that one holds: a worker's slot, and a
place among those few of the owner that run at once. So the message's generation is rung for nowhere, and whoever goes
the way works on it.
"""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from beanie import PydanticObjectId

from app.chats import deletion
from app.chats.contents import some_exchanges, some_images
from app.chats.descriptions import PictureDescription
from app.chats.entities import Entities
from app.chats.exchange import Exchange
from app.chats.model import Chat, ChatKind
from app.chats.references import PICTURE
from app.chats.sending import Caller, Draft
from app.chats.service import Chats
from app.chats.words import Described
from app.diagnostics.bench import Bench, told
from app.diagnostics.providers import said_of
from app.diagnostics.reading_back import Way, note_work, read_back
from app.errors import AppError, ErrorCode
from app.generations.model import Generation, Status
from app.generations.runner import Runner
from app.generations.switch import Switch
from app.lineage.trash import Trash
from app.making.chosen import Chosen
from app.pictures.model import Picture
from app.pictures.sample import sample_picture
from app.projects.made_once import Call
from app.projects.model import Project
from app.projects.words import Words

_PROJECT: Final = Words("Diagnostics", "A short film about toys that wake at night. Everything is lit by one lamp.")
_CONTEXT: Final = Described("The ball and the box", "The two heroes of the film, as they stand in the first scene.")
_FRAME: Final = Described("The toys wake up")
_MESSAGE: Final = "The ball rolls towards the box across a dark floor, in the manner of the reference."
_PROJECTS: Final = Trash(Project, deletion.delete_projects_forever, deletion.finish_project, "This project")
_LOOK_EVERY_S: Final = 0.25
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class ProjectFlow:
    """Goes the way; `runner` is this process's own."""

    entities: Entities
    chats: Chats
    runner: Runner

    async def run(self, bench: Bench) -> str:
        """Go it once.

        Raises:
            AppError: a stage failed; the message begins with the stage's name.
        """
        await self.clear(bench.work.generation)
        way = await self._created(bench, await bench.takes_sample())
        with _stage("Sending the message"):
            exchange = await self._sent(bench, way)
        await bench.reached(0.2)
        with _stage("Making the image"):
            await self._generated(bench, exchange)
        await bench.reached(0.8)
        with _stage("Reading back"):
            await read_back(bench, way, _MESSAGE)
        await bench.reached(0.9)
        with _stage("Deleting"):
            await self._deleted(bench, way)
        return f"{said_of(bench)} All was read back as it was sent, and deleted for ever."

    async def clear(self, generation: Generation) -> None:
        """Delete for ever what a run has left, however it ended; safe to repeat and to race.

        Raises:
            AppError: something can't be deleted now.
        """
        owner_id = generation.owner_id
        vision = self.chats.models.vision
        content = sha256(await asyncio.to_thread(sample_picture)).hexdigest()
        await PictureDescription.forget(owner_id, Chosen(vision.name, vision.model), content)
        project = await Project.of_call(_call_of(generation))
        if project is not None:
            await self._call_off(project)
            await _delete(project)

    async def _created(self, bench: Bench, sample: Picture) -> Way:
        owner_id, projects = bench.owner_id, self.entities.projects
        bench.request["project"] = {"name": _PROJECT.name, "contextText": _PROJECT.context_text}
        with _stage("Creating the project"):
            project = await projects.create(_call_of(bench.work.generation), _PROJECT, ())
        bench.request["context"] = {"title": _CONTEXT.title, "text": _CONTEXT.text, "pictures": [told(sample)]}
        with _stage("Creating the context"):
            pictures = (sample.identity,)
            context = await self.entities.create(Call(owner_id), project, ChatKind.CONTEXT, _CONTEXT, pictures)
        bench.request["frame"] = {"title": _FRAME.title}
        with _stage("Creating the frame"):
            frame = await self.entities.create(Call(owner_id), project, ChatKind.FRAME, _FRAME)
        return Way(project, context, frame, sample)

    async def _sent(self, bench: Bench, way: Way) -> Exchange:
        draft = Draft(_MESSAGE, given=((PICTURE, way.sample.identity),), with_context=True)
        image, vision = self.chats.models.image, self.chats.models.vision
        bench.request["message"] = {
            "prompt": draft.prompt,
            "imageCount": draft.image_count,
            "withContext": draft.with_context,
            "references": [told(way.sample)],
            "imageModel": {"provider": image.name, "model": image.model},
            "visionModel": {"provider": vision.name, "model": vision.model},
        }
        answering = await _unrung(self.chats).send(Caller(bench.owner_id), way.frame.identity, draft)
        if answering.refusal is not None:
            raise answering.refusal
        return answering.exchange

    async def _generated(self, bench: Bench, exchange: Exchange) -> None:
        """Work on it here, or wait for who has claimed it after all; a failure is not tried again.

        Raises:
            AppError: it failed, was called off, or has not ended in time.
        """
        generation = await self._ended(bench, exchange.generation_id)
        note_work(bench, generation)
        if failure := generation.failure:
            raise AppError(failure.code, failure.message, retryable=failure.retryable)
        if generation.status is not Status.SUCCEEDED:
            raise AppError(ErrorCode.CONFLICT, "It was called off.")

    async def _ended(self, bench: Bench, generation_id: PydanticObjectId | None) -> Generation:
        """It belongs to work that runs already: also when no other is to begin."""
        ids = [generation_id] if generation_id else []
        runner = replace(self.runner, retries=replace(self.runner.retries, attempts=0), switch=Switch())
        while True:
            for one in ids:
                await runner.run(one)
            found = list((await Generation.without_events(ids)).values())
            if not found:
                raise AppError(ErrorCode.NOT_FOUND, "Its work is gone.")
            if found[0].status.ended and found[0].settled:
                return found[0]
            if bench.work.ends_at is not None and bench.work.journal.now() > bench.work.ends_at:
                raise AppError(ErrorCode.TIMEOUT, "It has not ended in the time that a generation has.", retryable=True)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _deleted(self, bench: Bench, way: Way) -> None:
        chat_ids = [way.project.identity, way.context.identity, way.frame.identity]
        await self.clear(bench.work.generation)
        left = {
            "projects": len(await Project.by_ids([way.project.identity])),
            "chats": len(await Chat.some_of([way.project.identity], _AT_ONCE)),
            "messages": len(await some_exchanges(chat_ids, _AT_ONCE)),
            "images": len(await some_images(chat_ids, _AT_ONCE)),
        }
        bench.response["left"] = left
        if any(left.values()):
            raise AppError(ErrorCode.INTERNAL, "Something is left of the project.")

    async def _call_off(self, project: Project) -> None:
        """Cancel what is being made in it: nobody waits for that any more."""
        generations = self.chats.starter.generations
        for chat in await Chat.some_of([project.identity], _AT_ONCE):
            for exchange in await Exchange.under_way_in(chat.identity):
                if exchange.generation_id is not None:
                    with suppress(AppError):  # it has ended, or never began
                        await generations.cancel(project.owner_id, exchange.generation_id)


class _NoBell:
    """Nobody hears it. Implements `Bell`."""

    async def ring(self, generation_id: PydanticObjectId, after_s: float = 0) -> None:
        """Ring for nobody."""


def _unrung(chats: Chats) -> Chats:
    """The same, but for the work that they start no worker is called: after a long wait the sweep calls one."""
    generations = replace(chats.starter.generations, queue=_NoBell())
    return replace(chats, starter=replace(chats.starter, generations=generations))


async def _delete(project: Project) -> None:
    """Delete it as its owner does.

    Raises:
        AppError: it was refused.
    """
    refused: Sequence[AppError] = (await _PROJECTS.delete_forever(project.owner_id, {0: project.identity})).refused
    if refused and await Project.by_ids([project.identity]):
        raise refused[0]


def _call_of(generation: Generation) -> Call:
    """By which a run's project is found again, whatever has become of who made it."""
    return Call(generation.owner_id, f"diagnostics:{generation.identity}")


@contextmanager
def _stage(name: str) -> Generator[None]:
    """While entered, failures are of that stage, and say so."""
    try:
        yield
    except AppError as error:
        message = f"{name}: {error.message}"
        raise AppError(error.code, message, retryable=error.retryable, call=error.call) from error
