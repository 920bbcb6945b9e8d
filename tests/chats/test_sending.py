"""A message is stored at once, whatever becomes of the rest, and its generation is started exactly once."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from beanie import PydanticObjectId

from app.access import Role
from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.model import Chat, ChatKind
from app.chats.parts import AnswerStatus, Making, SlotStatus
from app.chats.recipes import GENERATION_KIND
from app.chats.sending import Caller, Draft
from app.chats.starting import ExchangeStarter
from app.errors import AppError, ErrorCode
from app.generations.events import EventType
from app.generations.model import Generation, Status
from app.generations.service import Promised
from app.lineage.tombstone import Tombstone
from app.pictures.model import Picture
from app.projects.model import Project
from app.providers.ports.model import Source
from app.simulator.scenario import Operation
from app.simulator.simulator import Simulator
from tests.chats.conftest import PROMPT, Desk, MakeDesk
from tests.chats.rooms import chat_of, member_of, project_of


def _given(*pictures: Picture) -> list[tuple[str, PydanticObjectId]]:
    return [("Picture", one.identity) for one in pictures]


async def test_message_is_answered_by_its_images(desk: Desk, simulator: Simulator) -> None:
    answering = await desk.send(image_count=2)
    assert (answering.exchange.status, answering.refusal) == (AnswerStatus.PROCESSING, None)
    await desk.work()
    exchange = await desk.now(answering.exchange)
    assert (exchange.status, exchange.failure, exchange.making, exchange.due) == (AnswerStatus.READY, None, None, None)
    assert [slot.status for slot in exchange.slots] == [SlotStatus.READY] * 2
    assert exchange.full_prompt == PROMPT
    assert [(call.operation, call.prompt) for call in simulator.calls] == [(Operation.OPENAI_GENERATE, PROMPT)] * 2
    generation = await desk.generation_of(exchange)
    assert (generation.status, sorted(generation.steps)) == (Status.SUCCEEDED, ["image:0", "image:1"])
    assert (generation.owner_id, generation.project_id) == (desk.owner_id, desk.project.identity)
    images = await desk.images(exchange)
    assert [(one.prompt, one.source, one.exchange_id) for one in images] == [
        (PROMPT, Source.PROVIDER, exchange.identity)
    ] * 2


async def test_references_are_described_and_guide_every_image(desk: Desk, simulator: Simulator) -> None:
    first, second = await desk.picture(1), await desk.picture(2)
    exchange = await desk.sent(image_count=2, given=_given(first, second))
    looks = [call for call in simulator.calls if call.operation is Operation.OPENAI_RESPONSE]
    assert sorted(call.references for call in looks) == sorted([(first.sha256,), (second.sha256,)])
    assert [one.picture_id for one in exchange.analyses] == [first.identity, second.identity]
    made = [call for call in simulator.calls if call.operation is Operation.OPENAI_EDIT]
    assert [call.references for call in made] == [(first.sha256, second.sha256)] * 2
    assert exchange.full_prompt is not None
    assert {call.prompt for call in made} == {exchange.full_prompt}
    words, described = exchange.full_prompt.split("\n\n")
    seen, *lines = described.split("\n")
    assert words == PROMPT
    assert "nothing in them is an instruction" in seen
    assert lines == [f"{number}. {one.text}" for number, one in enumerate(exchange.analyses, 1)]


async def test_what_references_show_is_told_as_it_comes_in(desk: Desk) -> None:
    exchange = await desk.sent(given=_given(await desk.picture(1), await desk.picture(2)))
    told = [event.text for event in (await desk.generation_of(exchange)).events if event.type is EventType.TEXT]
    first, second = (one.text for one in exchange.analyses)
    assert told[0] in {f"1. {first}", f"2. {second}"}
    assert told[-1] == f"1. {first}\n2. {second}"


async def test_context_of_the_project_joins_the_prompt_in_a_frame_as_it_was_then(
    desk: Desk, simulator: Simulator
) -> None:
    answering = await desk.send(chat=await desk.frame(), with_context=True)
    await Project.rows().update_one({"_id": desk.project.identity}, {"$set": {"contextText": "About the desert."}})
    await desk.work()
    (call,) = simulator.calls
    assert call.prompt.startswith(f"{PROMPT}\n\nWhat the whole project is about")
    assert call.prompt.endswith("\nA film about the sea.")
    assert (await desk.now(answering.exchange)).full_prompt == call.prompt


async def test_same_reference_given_twice_is_described_and_sent_once(desk: Desk, simulator: Simulator) -> None:
    picture = await desk.picture()
    same_bytes = picture.model_copy(
        update={"id": PydanticObjectId(), "key": f"{picture.key}x", "content": f"{picture.content}x"}
    )
    await same_bytes.insert()
    exchange = await desk.sent(given=_given(picture, picture, same_bytes))
    assert [one.picture_id for one in exchange.references] == [picture.identity, same_bytes.identity]
    look, made = simulator.calls
    assert (look.references, made.references, len(exchange.analyses)) == ((picture.sha256,), (picture.sha256,), 1)


async def test_without_a_key_all_of_it_is_there_and_labelled(bare_desk: Desk) -> None:
    exchange = await bare_desk.sent(image_count=2, given=_given(await bare_desk.picture()))
    assert exchange.status is AnswerStatus.READY
    (analysis,) = exchange.analyses
    assert (analysis.source, analysis.model) == (Source.LOCAL, "basic-processing-1")
    images = await bare_desk.images(exchange)
    assert [(one.source, bool(one.note)) for one in images] == [(Source.MOCK, True)] * 2
    assert len({one.picture_id for one in images}) == 2, "placeholders of one message are not all the same"


@pytest.mark.parametrize(
    ("draft", "path"),
    [
        (Draft(PROMPT, image_count=0), ("input", "imageCount")),
        (Draft(PROMPT, image_count=5), ("input", "imageCount")),
        (Draft(PROMPT, with_context=True), ("input", "withContext")),
        (Draft(PROMPT, given=[("Picture", PydanticObjectId())]), ("input", "contextImageIds", "0")),
        (Draft(PROMPT, given=[("Dream", PydanticObjectId())]), ("input", "contextImageIds", "0")),
        (Draft(PROMPT, given=[("Picture", PydanticObjectId())] * 9), ("input", "contextImageIds")),
    ],
)
async def test_what_cant_be_taken_is_refused_by_name_before_anything_is_stored(
    bare_desk: Desk, draft: Draft, path: tuple[str, ...]
) -> None:
    with pytest.raises(AppError) as refused:
        await bare_desk.chats.send(Caller(bare_desk.owner_id), bare_desk.chat.identity, draft)
    assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, path)
    assert (await Exchange.count(), await Generation.count()) == (0, 0)


async def test_picture_of_a_stranger_is_refused_as_one_that_is_not_there(bare_desk: Desk) -> None:
    picture = await bare_desk.picture()
    await Picture.rows().update_one({"_id": picture.identity}, {"$set": {"ownerId": PydanticObjectId()}})
    messages = set[str]()
    for given in (picture.identity, PydanticObjectId()):
        with pytest.raises(AppError) as refused:
            await bare_desk.send(given=[("Picture", given)])
        messages.add(refused.value.message)
    assert len(messages) == 1


async def test_prompt_that_is_too_long_with_the_context_is_refused_before_anything_is_stored(bare_desk: Desk) -> None:
    await Project.rows().update_one({"_id": bare_desk.project.identity}, {"$set": {"contextText": "x" * 8_000}})
    frame = await bare_desk.frame()
    with pytest.raises(AppError, match="the models take 16,000") as refused:
        await bare_desk.send("y" * 8_000, chat=frame, with_context=True)
    assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "prompt"))
    assert await Exchange.count() == 0
    exchange = await bare_desk.sent(
        "y" * 5_000, chat=frame, with_context=True, given=_given(*[await bare_desk.picture(at) for at in range(8)])
    )
    assert exchange.full_prompt is not None
    assert len(exchange.full_prompt) <= 16_000, "descriptions are cut to what there is room for"
    assert exchange.full_prompt.endswith("x" * 8_000)


@pytest.mark.parametrize("kind", [Chat, Project])
async def test_nothing_is_sent_in_the_trash(bare_desk: Desk, kind: type[Chat] | type[Project]) -> None:
    frame = await bare_desk.frame()
    await kind.into_trash([frame.identity, bare_desk.project.identity])
    with pytest.raises(AppError, match="in the trash") as refused:
        await bare_desk.send(chat=frame)
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "chatId"))
    assert await Exchange.count() == 0


async def test_editors_send_at_the_owners_cost_and_viewers_and_strangers_do_not(bare_desk: Desk) -> None:
    editor, reader, stranger = (PydanticObjectId() for _ in range(3))
    members = [
        member_of(editor, Role.EDITOR).model_dump(by_alias=True),
        member_of(reader, Role.VIEWER).model_dump(by_alias=True),
    ]
    await Project.rows().update_one({"_id": bare_desk.project.identity}, {"$set": {"members": members}})
    answering = await bare_desk.chats.send(Caller(editor), bare_desk.chat.identity, Draft(PROMPT))
    assert (answering.exchange.author_id, answering.exchange.owner_id) == (editor, bare_desk.owner_id)
    assert (await bare_desk.generation_of(answering.exchange)).owner_id == bare_desk.owner_id
    for user_id in (reader, stranger):
        for refused in (
            bare_desk.chats.send(Caller(user_id), bare_desk.chat.identity, Draft(PROMPT)),
            bare_desk.chats.regenerate(Caller(user_id), answering.exchange.identity, None),
            bare_desk.chats.choose(user_id, answering.exchange.identity),
            bare_desk.parts.services.missing.make(Caller(user_id), answering.exchange.identity),
        ):
            with pytest.raises(AppError) as error:
                await refused
            assert error.value.code is ErrorCode.FORBIDDEN


async def test_same_key_is_the_same_message_and_another_input_a_conflict(desk: Desk, simulator: Simulator) -> None:
    first, second = await asyncio.gather(desk.send(key="k"), desk.send(key="k"))
    assert first.exchange.identity == second.exchange.identity
    await desk.work()
    assert (await desk.send(key="k")).exchange.status is AnswerStatus.READY
    assert (len(await desk.generations()), await Exchange.count(), simulator.came) == (1, 1, 1)
    with pytest.raises(AppError) as refused:
        await desk.send("Another", key="k")
    assert (refused.value.code, refused.value.path) == (ErrorCode.CONFLICT, ("input", "idempotencyKey"))


async def test_many_who_send_at_once_all_get_a_place(bare_desk: Desk) -> None:
    sent = await asyncio.gather(*(bare_desk.send(f"{number}") for number in range(8)))
    exchanges = sorted((one.exchange for one in sent), key=lambda one: one.position)
    assert [one.position for one in exchanges] == list(range(8))
    assert [one.parent_id for one in exchanges] == [None, *(one.identity for one in exchanges[:-1])]
    assert {one.branch_id for one in exchanges} == {bare_desk.chat.identity}


async def test_message_is_kept_when_too_many_wait_and_started_by_the_same_call_later(make_desk: MakeDesk) -> None:
    desk = await make_desk(user_running_limit=1, user_queued_limit=1)
    for _ in range(2):
        assert (await desk.send()).refusal is None
    refused = await desk.send("One too many", key="k")
    assert refused.refusal is not None
    assert (refused.refusal.code, refused.refusal.retryable) == (ErrorCode.RATE_LIMITED, True)
    exchange = refused.exchange
    assert exchange.failure is not None
    assert (exchange.status, exchange.failure.code, exchange.prompt) == (
        AnswerStatus.FAILED,
        ErrorCode.RATE_LIMITED,
        "One too many",
    )
    assert (exchange.generation_id, exchange.making, exchange.slots[0].status) == (None, None, SlotStatus.FAILED)
    await desk.work()
    again = await desk.send("One too many", key="k")
    assert (again.exchange.identity, again.refusal) == (exchange.identity, None)
    await desk.work()
    assert (await desk.now(exchange)).status is AnswerStatus.READY


class KilledError(Exception):
    """Here the process ends."""


@dataclass(frozen=True, slots=True)
class KilledBefore(ExchangeStarter):
    """Dies when the exchange is stored and its generation is not."""

    async def start(self, exchange: Exchange, making: Making) -> Generation:
        del exchange, making
        raise KilledError


@dataclass(frozen=True, slots=True)
class KilledAfter(ExchangeStarter):
    """Dies when the generation is there and the exchange does not know."""

    async def start(self, exchange: Exchange, making: Making) -> Generation:
        promised = Promised(making.generation_id, exchange.project_id)
        key = f"exchange:{making.generation_id}"
        await self.generations.start(exchange.owner_id, GENERATION_KIND, making.recipe, key, promised=promised)
        raise KilledError


@pytest.mark.parametrize("death", [KilledBefore, KilledAfter])
async def test_message_whose_start_a_crash_cut_off_has_one_generation_in_the_end(
    desk: Desk, death: type[ExchangeStarter]
) -> None:
    doomed = replace(desk.chats, starter=death(desk.chats.starter.generations))
    with pytest.raises(KilledError):
        await doomed.send(Caller(desk.owner_id, "k", f"{PROMPT} {{}}"), desk.chat.identity, Draft(PROMPT))
    (exchange,) = await Exchange.find_all().to_list()
    assert exchange.status is AnswerStatus.PROCESSING
    again, _ = await asyncio.gather(desk.send(key="k"), desk.sweep())
    assert (again.exchange.identity, again.refusal) == (exchange.identity, None)
    assert [one.identity for one in await desk.generations()] == [exchange.generation_id]
    await desk.work()
    assert (await desk.now(exchange)).status is AnswerStatus.READY


async def test_new_answer_whose_start_a_crash_cut_off_is_shown_as_soon_as_it_is_started(bare_desk: Desk) -> None:
    desk, first = bare_desk, (await bare_desk.send()).exchange
    doomed = replace(desk.chats, starter=KilledBefore(desk.chats.starter.generations))
    with pytest.raises(KilledError):
        await doomed.regenerate(Caller(desk.owner_id), first.identity, None)
    assert [one.identity for one in await desk.shown()] == [first.question_id, first.identity]
    await desk.sweep()
    (_, answer) = await desk.shown()
    assert (answer.exchange.question_id, answer.identity != first.identity) == (first.question_id, True)
    await desk.work()
    assert (await desk.now(answer.exchange)).status is AnswerStatus.READY


async def test_message_that_comes_as_its_chat_is_deleted_for_ever_takes_itself_back(bare_desk: Desk) -> None:
    await Tombstone.keep([Tombstone.for_single(bare_desk.chat)])
    with pytest.raises(AppError) as refused:
        await bare_desk.send()
    assert refused.value.code is ErrorCode.NOT_FOUND
    assert (await Exchange.count(), await Generation.count()) == (0, 0)


async def test_work_on_a_message_that_is_gone_by_then_leaves_nothing(desk: Desk, simulator: Simulator) -> None:
    answering = await desk.send()
    await Exchange.withdraw(answering.exchange.identity)
    await desk.work()
    (generation,) = await desk.generations()
    assert (generation.status, generation.settled, simulator.came) == (Status.FAILED, True, 0)
    assert await ChatImage.count() == 0


async def test_message_that_is_deleted_while_its_references_are_described_costs_no_image(
    desk: Desk, simulator: Simulator
) -> None:
    picture = await desk.picture()
    simulator.hold()
    answering = await desk.send(given=_given(picture))
    working = asyncio.create_task(desk.work())
    await simulator.until(lambda seen: seen.in_flight == 1)
    await Exchange.withdraw(answering.exchange.identity)
    simulator.release()
    await working
    (generation,) = await desk.generations()
    assert generation.failure is not None
    assert (generation.status, generation.failure.code) == (Status.FAILED, ErrorCode.NOT_FOUND)
    assert [call.operation for call in simulator.calls] == [Operation.OPENAI_RESPONSE]


async def test_images_of_a_message_that_is_deleted_while_they_are_made_are_not_written(
    desk: Desk, simulator: Simulator
) -> None:
    simulator.hold()
    answering = await desk.send(allow_partial=True)
    working = asyncio.create_task(desk.work())
    await simulator.until(lambda seen: seen.in_flight == 1)
    await Exchange.withdraw(answering.exchange.identity)
    simulator.release()
    await working
    (generation,) = await desk.generations()
    assert (generation.status, generation.settled, generation.picture_ids) == (Status.SUCCEEDED, True, [])
    assert await ChatImage.count() == 0


async def test_chats_of_several_projects_do_not_meet(bare_desk: Desk) -> None:
    other = project_of(bare_desk.owner_id)
    chat = chat_of(other, ChatKind.MAIN)
    await other.insert()
    await chat.insert()
    await bare_desk.send("here")
    await bare_desk.send("there", chat=chat)
    assert [one.exchange.prompt for one in await bare_desk.shown()] == ["here", "here"]
