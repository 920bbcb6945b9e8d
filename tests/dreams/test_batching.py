"""Many dreams made anew at once: the same batches as any product's."""

import json
from functools import partial
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.batches.progress import standing_of
from app.batches.service import LARGEST, Wanted
from app.dreams.batching import DreamFilter, parameters_of_batch, parts_for, these, those_like
from app.dreams.model import Dream
from app.dreams.parts import DreamStatus, Part
from app.dreams.recipes import GENERATION_KIND, Again, Which, parts_in
from app.errors import AppError, ErrorCode
from app.generations.model import Status
from app.providers.ports.model import Source
from app.simulator.scenario import Provider, Scenario
from app.simulator.simulator import Simulator
from tests.dreams.conftest import Desk, MakeDesk
from tests.dreams.dreams import dream_of, illustration_of, interpretation_of


async def _found(desk: Desk, wanted: DreamFilter, again: Again | None = None) -> set[str | None]:
    """The titles of those that are like that."""
    chosen = await those_like(desk.dreams, desk.owner_id, again or Again(parts_for(wanted)), wanted)
    return {dream.title for dream in (await Dream.by_ids(list(chosen.subjects))).values()}


async def test_filters_find_what_they_say(desk: Desk) -> None:
    for wanted in DreamFilter:
        with pytest.raises(AppError) as none:
            await _found(desk, wanted)
        assert (none.value.code, none.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "filter"))
    await Dream.insert_many(
        [
            dream_of(desk.owner_id, title="whole"),
            dream_of(desk.owner_id, title="nothing", interpretation=None, illustration=None),
            dream_of(desk.owner_id, title="no words", interpretation=None),
            dream_of(desk.owner_id, title="no picture", illustration=None),
            dream_of(desk.owner_id, title="old words", interpretation=interpretation_of(model="gpt-5")),
            dream_of(desk.owner_id, title="old picture", illustration=illustration_of(model="dall-e-3")),
            dream_of(desk.owner_id, title="trashed", illustration=None, trashed_at=Dream.soon()),
        ]
    )
    assert await _found(desk, DreamFilter.FAILED) == {"nothing", "no words"}
    assert await _found(desk, DreamFilter.MISSING_INTERPRETATION) == {"nothing", "no words"}
    assert await _found(desk, DreamFilter.MISSING_PICTURE) == {"nothing", "no picture"}
    assert await _found(desk, DreamFilter.OLDER_MODEL) == {"old words", "old picture"}


_OURS: dict[str, Any] = {"source": Source.LOCAL, "provider": "local", "model": "lexicon-0"}


async def _insert_old_ones(desk: Desk) -> None:
    """One whose words are older, one whose picture is, and one that a stand-in made."""
    await Dream.insert_many(
        [
            dream_of(desk.owner_id, title="words", interpretation=interpretation_of(model="gpt-5")),
            dream_of(desk.owner_id, title="picture", illustration=illustration_of(model="dall-e-3")),
            dream_of(desk.owner_id, title="ours", interpretation=interpretation_of(**_OURS)),
        ]
    )


async def test_older_is_what_another_model_made_than_the_call_asks_for(desk: Desk) -> None:
    await _insert_old_ones(desk)
    older, wanted = Which.OLDER, DreamFilter.OLDER_MODEL
    assert await _found(desk, wanted) == {"words", "picture", "ours"}
    assert await _found(desk, wanted, Again(frozenset({Part.PICTURE}))) == {"picture"}
    assert await _found(desk, wanted, Again(frozenset({Part.INTERPRETATION}))) == {"words", "ours"}
    found = {dream.title: dream for dream in await Dream.find_all().to_list()}
    again = Again(older, text_model="lexicon-1")
    assert await _found(desk, wanted, again) == {"ours", "picture"}
    assert again.parts_of(found["picture"], desk.dreams.models) == frozenset({Part.PICTURE})
    assert again.parts_of(found["ours"], desk.dreams.models) == frozenset({Part.INTERPRETATION})


async def test_providers_work_is_never_older_than_a_stand_ins(bare_desk: Desk) -> None:
    await _insert_old_ones(bare_desk)
    assert await _found(bare_desk, DreamFilter.OLDER_MODEL) == {"ours"}
    provided = next(dream for dream in await Dream.find_all().to_list() if dream.title == "words")
    with pytest.raises(AppError) as nothing:
        Again(Which.OLDER).parts_of(provided, bare_desk.dreams.models)
    assert nothing.value.code is ErrorCode.CONFLICT


@pytest.mark.parametrize("which", list(Which))
async def test_dream_that_lacks_nothing_by_its_start_is_left_alone(desk: Desk, which: Which) -> None:
    dream, again = await desk.recorded(), Again(which)
    wanted = Wanted(GENERATION_KIND, parameters_of_batch(again), "the same input")
    choose = partial(these, desk.dreams, desk.owner_id, again, [dream.identity])
    batch = await desk.parts.services.batches.start(desk.owner_id, wanted, choose, None)
    (item,) = await standing_of(batch)
    assert item.failure is not None
    assert (item.failure.code, item.failure.message) == (ErrorCode.CONFLICT, "Nothing is missing of it any more.")
    assert await desk.now(dream) == dream


@pytest.mark.long
async def test_filter_takes_the_newest_that_a_batch_holds_and_then_the_next_ones(desk: Desk) -> None:
    dreams = [dream_of(desk.owner_id, illustration=None) for _ in range(LARGEST + 1)]
    await Dream.insert_many(dreams)
    again, wanted = Again(Which.LACKING), DreamFilter.MISSING_PICTURE
    newest_first = [dream.identity for dream in dreams[::-1]]
    assert (await those_like(desk.dreams, desk.owner_id, again, wanted)).subjects == newest_first[:LARGEST]
    for identity in newest_first[:LARGEST]:
        await desk.dreams.regenerate(desk.owner_id, identity, again, None)
    assert (await those_like(desk.dreams, desk.owner_id, again, wanted)).subjects == newest_first[LARGEST:]


async def test_each_dream_gets_what_it_lacks_and_one_that_cant_be_started_holds_up_none(
    make_desk: MakeDesk, simulator: Simulator
) -> None:
    desk = await make_desk(simulator)
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.MODERATION, Scenario.REFUSAL)
    bare, failed, running = await desk.recorded(), await desk.recorded(), (await desk.record()).dream
    assert (bare.status, failed.status) == (DreamStatus.READY_WITHOUT_PICTURE, DreamStatus.FAILED)
    ids = [bare.identity, failed.identity, running.identity]
    again = Again(parts_for(DreamFilter.MISSING_PICTURE))
    wanted = Wanted(GENERATION_KIND, parameters_of_batch(again), "the same input")

    batch = await desk.parts.services.batches.start(
        desk.owner_id, wanted, lambda: these(desk.dreams, desk.owner_id, again, ids), "k"
    )
    standing = await standing_of(batch)
    assert [one.status for one in standing] == [Status.QUEUED, Status.QUEUED, Status.FAILED]
    assert standing[2].failure is not None
    assert standing[2].failure.code is ErrorCode.CONFLICT
    started = [one for one in await desk.generations() if one.batch_id == batch.identity]
    assert [parts_in(one.recipe) for one in started] == [frozenset({Part.PICTURE}), frozenset(Part)]
    await desk.work()
    assert [one.status for one in await standing_of(batch)][:2] == [Status.SUCCEEDED] * 2
    assert (await desk.now(bare)).interpretation == bare.interpretation
    for dream in (bare, failed):
        assert (await desk.now(dream)).status is DreamStatus.READY


async def test_what_failed_in_a_batch_is_retried_by_the_batch(desk: Desk, simulator: Simulator) -> None:
    dream = await desk.recorded()
    again = Again(wish="Darker")
    wanted = Wanted(GENERATION_KIND, parameters_of_batch(again), "the same input")
    simulator.then(Provider.OPENAI, Scenario.FINE, Scenario.MODERATION)
    batches = desk.parts.services.batches
    batch = await batches.start(
        desk.owner_id, wanted, lambda: these(desk.dreams, desk.owner_id, again, [dream.identity]), None
    )
    await desk.work()
    assert [one.status for one in await standing_of(batch)] == [Status.FAILED]
    retried = await batches.retry(desk.owner_id, batch.identity, None, failed_only=True)
    await desk.work()
    assert [one.status for one in await standing_of(retried)] == [Status.SUCCEEDED]
    last = (await desk.generations())[-1]
    assert (parts_in(last.recipe), last.recipe.parameters["wish"]) == (frozenset({Part.PICTURE}), "Darker")
    assert last.batch_id == batch.identity


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        (None, None),
        ('[{"model": "MODEL", "unit": "calls", "amount": "1", "currency": "USD", "since": "2026-01-01"}]', 2),
    ],
)
async def test_estimate_is_of_both_calls_or_unknown(
    make_desk: MakeDesk, simulator: Simulator, prices: str | None, cost: int | None
) -> None:
    listed = None
    if prices:
        one = prices[1:-1]
        listed = f"[{one.replace('MODEL', 'gpt-6-luna')}, {one.replace('MODEL', 'gpt-image-2.6-flare')}]"
    desk = await make_desk(simulator, prices=listed)
    dream = dream_of(desk.owner_id)
    await dream.insert()
    estimate = (await these(desk.dreams, desk.owner_id, Again(), [dream.identity])).estimate
    assert (estimate.cost if estimate else None) == (None if cost is None else cost * 1_000_000)


_BY_LENGTH = [
    {"model": "gpt-6-luna", "unit": unit, "amount": "1", "currency": "USD", "since": "2026-01-01"}
    for unit in ("inputTextTokens", "outputTextTokens")
]


async def test_estimate_is_of_the_dearest_of_ones_own_and_of_no_strangers(
    make_desk: MakeDesk, simulator: Simulator
) -> None:
    desk = await make_desk(simulator, prices=json.dumps(_BY_LENGTH))
    again, stranger = Again(frozenset({Part.INTERPRETATION})), PydanticObjectId()
    short, long = dream_of(desk.owner_id), dream_of(desk.owner_id, text="sea " * 1_000)
    foreign, cant = (
        dream_of(stranger, text="x" * 20_000),
        dream_of(desk.owner_id, text="y" * 20_000, interpretation=None),
    )
    await Dream.insert_many([short, long, foreign, cant])

    async def cost(*dreams: Dream, again: Again = again) -> int | None:
        ids = [dream.identity for dream in dreams]
        estimate = (await these(desk.dreams, desk.owner_id, again, ids)).estimate
        return estimate.cost if estimate else None

    mine = await cost(short)
    assert mine
    assert await cost(foreign, short) == mine
    assert await cost(foreign) is None
    dearest = await cost(long)
    assert dearest is not None
    assert await cost(short, long) == await cost(long, short) == dearest > mine
    picture = Again(frozenset({Part.PICTURE}), image_model="placeholder-1")
    assert (await cost(cant, again=picture), await cost(cant, short, again=picture)) == (None, 0)
