"""Parts of a dream are made anew: cleared at once, kept as a version, put back by a cancel."""

import asyncio

import pytest
from beanie import PydanticObjectId

from app.dreams.deletion import delete_forever, finish
from app.dreams.model import Dream
from app.dreams.parts import DreamStatus, Part
from app.dreams.recipes import Again, painter_of, parts_in
from app.dreams.versions import DreamVersion
from app.errors import AppError, ErrorCode
from app.generations.model import Generation, Status
from app.lineage.clearing import clear
from app.lineage.trash import Trash
from app.simulator.scenario import Operation, Provider, Scenario
from app.simulator.simulator import Simulator
from tests.dreams.conftest import Desk, MakeDesk

INTERPRETATION, PICTURE = frozenset({Part.INTERPRETATION}), frozenset({Part.PICTURE})


async def test_both_parts_are_cleared_at_once_and_kept_as_a_version(desk: Desk) -> None:
    before = await desk.recorded()
    generation = await desk.again(before, Again(wish="Darker"))
    cleared = await desk.now(before)
    assert (cleared.status, cleared.interpretation, cleared.illustration) == (DreamStatus.PROCESSING, None, None)
    assert cleared.aside is not None
    assert cleared.aside.parts == before.parts
    await desk.work()
    after = await desk.now(before)
    (version,) = await desk.versions(after)
    assert (after.status, after.aside, version.parts) == (DreamStatus.READY, None, before.parts)
    assert after.parts.made_in == (generation.identity, generation.identity)


async def test_picture_alone_is_drawn_from_the_interpretation_there_is(desk: Desk, simulator: Simulator) -> None:
    before = await desk.recorded()
    simulator.reset()
    await desk.again(before, Again(PICTURE, wish="In blue"))
    await desk.work()
    after = await desk.now(before)
    assert after.interpretation == before.interpretation
    assert after.illustration != before.illustration
    assert [call.operation for call in simulator.calls] == [Operation.OPENAI_GENERATE]
    assert simulator.calls[0].prompt.endswith(". In blue")
    (version,) = await desk.versions(after)
    assert (version.interpretation, version.illustration) == (None, before.illustration)


async def test_picture_without_an_interpretation_is_refused(desk: Desk, simulator: Simulator) -> None:
    simulator.always(Provider.OPENAI, Scenario.REFUSAL)
    dream = await desk.recorded()
    with pytest.raises(AppError) as refused:
        await desk.again(dream, Again(PICTURE))
    assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "parts"))


async def test_cancel_puts_back_what_was_cleared(desk: Desk) -> None:
    before = await desk.recorded()
    generation = await desk.again(before)
    await desk.parts.services.generations.cancel(desk.owner_id, generation.identity)
    after = await desk.now(before)
    assert (after.status, after.parts, after.failure) == (DreamStatus.READY, before.parts, None)
    assert (after.making, after.aside, await desk.versions(after)) == (None, None, [])


async def test_what_a_cancelled_work_had_made_already_is_kept_as_a_version(desk: Desk, simulator: Simulator) -> None:
    before = await desk.recorded()
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.SLOW)
    came, generation = simulator.came, await desk.again(before)
    heeding = asyncio.create_task(desk.parts.runner.heed_cancels())
    working = asyncio.create_task(desk.work())
    await simulator.until(lambda seen: seen.came == came + 2)
    shown = await desk.now(before)
    assert shown.interpretation is not None
    await desk.parts.services.generations.cancel(desk.owner_id, generation.identity)
    await working
    heeding.cancel()
    after = await desk.now(before)
    (version,) = await desk.versions(after)
    assert (after.status, after.parts) == (DreamStatus.READY, before.parts)
    assert (version.interpretation, version.illustration) == (shown.interpretation, None)


async def test_cancelled_first_work_leaves_a_dream_that_can_be_made(desk: Desk) -> None:
    recorded = await desk.record()
    assert recorded.dream.generation_id is not None
    await desk.parts.services.generations.cancel(desk.owner_id, recorded.dream.generation_id)
    dream = await desk.now(recorded.dream)
    assert (dream.status, dream.failure, dream.making) == (DreamStatus.FAILED, None, None)
    await desk.again(dream)
    await desk.work()
    assert (await desk.now(dream)).status is DreamStatus.READY


async def test_second_one_while_one_runs_is_a_conflict_and_the_same_call_the_same_work(desk: Desk) -> None:
    dream = await desk.recorded()
    ones = await asyncio.gather(*(desk.again(dream) for _ in range(4)), return_exceptions=True)
    started = [one for one in ones if not isinstance(one, BaseException)]
    refused = [one for one in ones if isinstance(one, AppError)]
    assert len(started) == 1
    assert [error.code for error in refused] == [ErrorCode.CONFLICT] * 3
    await desk.work()
    same = await asyncio.gather(*(desk.again(dream, key="k") for _ in range(3)))
    assert len({one.identity for one in same}) == 1
    await desk.work()
    assert (await desk.again(dream, key="k")).identity == same[0].identity
    with pytest.raises(AppError) as refused_key:
        await desk.again(dream, Again(wish="Another"), key="k")
    assert refused_key.value.path == ("input", "idempotencyKey")
    assert len(await desk.generations()) == 3


async def test_refusal_to_start_puts_back_what_was_cleared(make_desk: MakeDesk) -> None:
    desk = await make_desk(user_running_limit=1, user_queued_limit=1)
    before = await desk.recorded()
    for _ in range(2):
        await desk.record()
    with pytest.raises(AppError) as refused:
        await desk.again(before)
    assert refused.value.code is ErrorCode.RATE_LIMITED
    after = await desk.now(before)
    assert (after.status, after.parts, after.generation_id) == (DreamStatus.READY, before.parts, before.generation_id)
    assert (after.making, after.aside, after.failure, await desk.versions(after)) == (None, None, None, [])


async def test_failed_work_leaves_what_it_cleared_in_a_version_that_can_be_restored(
    desk: Desk, simulator: Simulator
) -> None:
    before = await desk.recorded()
    simulator.always(Provider.OPENAI, Scenario.FAILING)
    await desk.again(before)
    await desk.work()
    failed = await desk.now(before)
    assert failed.failure is not None
    assert (failed.status, failed.failure.code) == (DreamStatus.FAILED, ErrorCode.PROVIDER_UNAVAILABLE)
    (version,) = await desk.versions(failed)
    restored = await desk.dreams.restore_version(desk.owner_id, version.identity)
    assert (restored.status, restored.parts, restored.failure) == (DreamStatus.READY, before.parts, None)
    again = await desk.dreams.restore_version(desk.owner_id, version.identity)
    assert (again.parts, again.revision) == (restored.parts, restored.revision)


async def test_restoring_to_and_fro_loses_nothing_and_doubles_nothing(desk: Desk) -> None:
    dream = await desk.recorded()
    first = dream.parts
    await desk.again(dream)
    await desk.work()
    second = (await desk.now(dream)).parts
    for _ in range(3):
        for wanted in (first, second):
            version = next(one for one in await desk.versions(dream) if one.parts == wanted)
            restored = await desk.dreams.restore_version(desk.owner_id, version.identity)
            assert (restored.parts, restored.aside, restored.due) == (wanted, None, None)
    assert {one.parts.made_in for one in await desk.versions(dream)} == {first.made_in, second.made_in}
    assert len(await desk.versions(dream)) == 2


async def test_nothing_is_restored_while_something_is_made_or_in_the_trash_or_by_a_stranger(desk: Desk) -> None:
    dream = await desk.recorded()
    await desk.again(dream)
    await desk.work()
    (version,) = await desk.versions(dream)
    with pytest.raises(AppError) as foreign:
        await desk.dreams.restore_version(PydanticObjectId(), version.identity)
    await Dream.into_trash([dream.identity])
    with pytest.raises(AppError) as trashed:
        await desk.dreams.restore_version(desk.owner_id, version.identity)
    with pytest.raises(AppError) as remade:
        await desk.again(dream)
    await Dream.out_of_trash([dream.identity])
    await desk.again(dream)
    with pytest.raises(AppError) as made:
        await desk.dreams.restore_version(desk.owner_id, version.identity)
    codes = [one.value.code for one in (foreign, trashed, remade, made)]
    assert codes == [ErrorCode.FORBIDDEN, *[ErrorCode.CONFLICT] * 3]


async def test_version_whose_writing_a_crash_cut_off_is_written_by_the_sweep(desk: Desk) -> None:
    before = await desk.recorded()
    await desk.again(before)
    await desk.work()
    after = await desk.now(before)
    (version,) = await desk.versions(after)
    cut_off = await after.put_in_place(version.parts, after.parts)  # and here the process dies
    assert cut_off is not None
    await desk.sweep()
    swept = await desk.now(before)
    assert (swept.parts, swept.aside, swept.due) == (before.parts, None, None)
    assert {one.parts.made_in for one in await desk.versions(before)} == {after.parts.made_in, before.parts.made_in}


async def test_retry_goes_on_with_what_is_missing(desk: Desk, simulator: Simulator) -> None:
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.MODERATION)
    dream = await desk.recorded()
    assert dream.status is DreamStatus.READY_WITHOUT_PICTURE
    generation = await desk.generation_of(dream)
    assert generation.status is Status.FAILED
    generations = desk.parts.services.generations
    retried = await generations.retry(desk.owner_id, generation.identity, "k")
    same = await generations.retry(desk.owner_id, generation.identity, "k")
    assert (retried.retry_of, same.identity) == (generation.identity, retried.identity)
    await desk.work()
    after = await desk.now(dream)
    assert (after.status, after.failure, after.generation_id) == (DreamStatus.READY, None, retried.identity)
    assert after.interpretation == dream.interpretation
    texts = [call for call in simulator.calls if call.operation is Operation.OPENAI_RESPONSE]
    assert len(texts) == 1
    assert (await generations.retry(desk.owner_id, generation.identity, "k")).identity == retried.identity


async def test_another_model_may_be_asked_for_if_it_is_set_up(desk: Desk) -> None:
    dream = await desk.recorded()
    await desk.again(dream, Again(text_model="lexicon-1", image_model="placeholder-1"))
    await desk.work()
    after = await desk.now(dream)
    assert after.interpretation is not None
    assert after.illustration is not None
    assert (after.interpretation.model, after.illustration.model) == ("lexicon-1", "placeholder-1")
    with pytest.raises(AppError) as refused:
        await desk.again(dream, Again(text_model="gpt-9"))
    assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "textModel"))
    assert "gpt-6-luna (openai), lexicon-1 (local)" in refused.value.message


async def test_retry_keeps_the_models_that_were_asked_for_if_they_are_still_set_up(
    make_desk: MakeDesk, simulator: Simulator
) -> None:
    desk, bare = await make_desk(simulator), await make_desk()
    dream = await desk.recorded()
    simulator.always(Provider.OPENAI, Scenario.FAILING)
    asked = Again(wish="Darker", text_model="lexicon-1", image_model="gpt-image-2.6-flare")
    failed = await desk.again(dream, asked)
    await desk.work()
    retried = await desk.parts.services.generations.retry(desk.owner_id, failed.identity, None)
    assert (parts_in(retried.recipe), painter_of(retried.recipe).model) == (PICTURE, "gpt-image-2.6-flare")
    await desk.work()
    retried = await bare.parts.services.generations.retry(desk.owner_id, failed.identity, None)
    assert painter_of(retried.recipe).model == "placeholder-1"
    await bare.work()
    simulator.reset()
    both = await desk.again(dream, asked)
    await desk.parts.services.generations.cancel(desk.owner_id, both.identity)
    retried = await desk.parts.services.generations.retry(desk.owner_id, both.identity, None)
    assert (retried.recipe.model, parts_in(retried.recipe)) == ("lexicon-1", frozenset(Part))


async def test_deleted_dream_does_not_come_back_and_takes_its_versions(desk: Desk) -> None:
    dream = await desk.recorded()
    await desk.again(dream)
    running = await desk.now(dream)
    await delete_forever([running])
    await desk.work()
    assert await Dream.get(dream.identity) is None
    assert await DreamVersion.find_all().to_list() == []


async def test_nothing_of_a_deleted_dream_can_be_read_in_the_work_on_it(desk: Desk) -> None:
    dream = await desk.recorded(mood="afraid")
    await desk.again(dream, Again(wish="mind the whale"))
    running = await desk.now(dream)
    assert "whale" in f"{await Generation.find_all().to_list()}"
    await delete_forever([running])
    await desk.work()
    for _ in range(2):
        await clear({"dreams": Trash(Dream, delete_forever, finish)}, -3600)
    left = f"{await Generation.find_all().to_list()}".lower()
    assert "generationevent" in left
    assert not any(word in left for word in ("whale", "tower", "grandmother", "afraid", "narrative"))
