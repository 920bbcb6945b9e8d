"""A message is stored at once, whatever becomes of the rest, and its generation is started exactly once."""

from app.chats.parts import AnswerStatus, SlotStatus
from app.generations.model import Status
from app.providers.ports.model import Source
from app.simulator.scenario import Operation
from app.simulator.simulator import Simulator
from tests.chats.conftest import PROMPT, Desk


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
