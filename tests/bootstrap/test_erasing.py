"""What is left of somebody whose account is deleted: nothing, whoever else was writing, and wherever it was cut off."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase

from app.access import Role
from app.accounts.erasers import Eraser
from app.accounts.erasing import LAST_WAIT_S
from app.accounts.erasure import Erasure
from app.accounts.model import User
from app.accounts.service import SignedIn
from app.accounts.sessions import Client
from app.bootstrap.database import DOCUMENTS
from app.chats.model import Chat, ChatKind
from app.chats.words import Described
from app.costs.days import BudgetDay
from app.database.document import utc_now
from app.errors import AppError, ErrorCode
from app.generations.lanes import Lane
from app.generations.model import Generation, Status
from app.generations.service import Generations
from app.generations.slots import ProviderSlots
from app.generations.switch import Turn
from app.lineage.promotion import Promotion
from app.lineage.tombstone import Tombstone
from app.making.pictures import PictureMaker
from app.ornaments.jobs import OrnamentJob
from app.ornaments.model import OrnamentImage
from app.pictures.library import Pictures
from app.pictures.model import Picture
from app.projects.invitation import Invitation
from app.projects.made_once import Call
from app.projects.model import Project
from app.templates import service as templates
from tests.bootstrap.household import PASSWORD, Household, elsewhere, household
from tests.chats.stored import exchange_of
from tests.faults.provider import Gemini, serving_gemini
from tests.ornaments.images import image_of
from tests.pictures.conftest import GatedStore
from tests.projects.projects import member_of, project_of

_NOBODYS = {Erasure, ProviderSlots, Turn}
"""Documents of no owner; an erasure is what is left of one for a while."""
_LEFT = {"erasures": 1, "lanes": 1}
"""Until nobody is left who could still write: that there was an account, and that nothing of it is let in."""


class KilledError(BaseException):
    """Stands for the end of the process at that point."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Gemini]:
    with serving_gemini() as gemini:
        yield gemini


@pytest.fixture
def gemini(provider: Gemini) -> Gemini:
    provider.disconnected.clear()
    provider.release()
    return provider


@pytest.fixture
async def house(
    database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path, gemini: Gemini
) -> AsyncIterator[Household]:
    async with household(database, mongodb_url, tmp_path, gemini) as opened:
        yield opened


async def _deleted(house: Household, who: SignedIn) -> None:
    await house.parts.services.accounts.delete(who.user.identity, PASSWORD, Client())


async def _over(house: Household) -> None:
    """All rounds there are, to the last."""
    await house.rounds()
    await house.database["erasures"].update_many({}, {"$set": {"waitS": LAST_WAIT_S}})
    await house.rounds(2)


@pytest.mark.long
async def test_nothing_of_a_whole_account_is_left_and_everything_of_everybody_else(house: Household) -> None:
    ada, others = await house.person("lovelace"), await _moved_in(house, "babbage")
    owner_id = ada.user.identity
    await house.made(await house.started(others, 1))
    await house.settled_in(owner_id)
    his = await house.rows_of(others), await house.traces(others)
    hers = await house.traces(owner_id)
    forgotten = [kind.__name__ for kind in DOCUMENTS if kind not in _NOBODYS and kind.rows().name not in hers]
    assert forgotten == [], "have `settled_in` make one of each, and `bootstrap.erasing` erase it"
    assert any("renditions" in path for path in hers)

    await _deleted(house, ada)
    await house.rounds(2)
    assert await house.traces(owner_id, "lovelace") == _LEFT
    await _over(house)
    assert await house.traces(owner_id, "lovelace") == {}
    assert (await house.rows_of(others), await house.traces(others)) == his


async def test_nothing_of_somebody_is_left_in_the_projects_of_others_but_what_they_made(house: Household) -> None:
    ada, bob = await house.person("lovelace"), await house.person("babbage")
    ada_id, members = ada.user.identity, (member_of(ada.user.identity), member_of(PydanticObjectId()))
    projects = [project_of(bob.user.identity, *members, trashed_at=at) for at in (None, utc_now())]
    await Project.insert_many(projects)
    calls = [Call(ada_id, f"{number}") for number in range(2)]
    entities = house.parts.services.entities
    frame = await entities.create(calls[0], projects[0], ChatKind.FRAME, Described("A door"))
    exchange = exchange_of(frame, author_id=ada_id)
    await exchange.insert()
    invitation, _ = Invitation.to(projects[0], Role.EDITOR)
    await invitation.insert()
    assert await invitation.claim(ada_id)
    await _deleted(house, ada)
    await house.rounds(2)
    assert await house.traces(ada_id, "lovelace") == _LEFT
    kept = [[one.user_id for one in project.members] for project in await Project.find_all().to_list()]
    assert kept == [[members[1].user_id]] * 2
    assert (await exchange.get(exchange.identity) or exchange).prompt == exchange.prompt
    assert await Chat.get(frame.identity) is not None


async def test_what_calls_cost_stays_in_the_sum_of_all_users(house: Household) -> None:
    ada = await house.person("ada")
    await house.made(await house.started(ada.user.identity))
    before = await BudgetDay.find_all().to_list()
    assert [day.spent for day in before] == [40_000, 40_000]
    await _deleted(house, ada)
    await house.rounds(2)
    (left,) = await BudgetDay.find_all().to_list()
    assert (left.id.endswith("/all"), left.committed) == (True, 40_000)


async def test_address_is_free_at_once_for_somebody_new_who_has_nothing_of_the_old(house: Household) -> None:
    accounts = house.parts.services.accounts
    ada = await house.person("ada")
    await house.made(await house.started(ada.user.identity))
    await _deleted(house, ada)
    with pytest.raises(AppError) as unknown:
        await accounts.log_in("ada@example.com", PASSWORD, Client())
    assert unknown.value.code is ErrorCode.UNAUTHENTICATED
    again = await house.person("ada")
    image = await house.made(await house.started(again.user.identity))
    await _over(house)
    assert await house.traces(ada.user.identity) == {}
    assert [one.identity for one in await OrnamentImage.find_all().to_list()] == [image.identity]
    assert accounts.viewer(again.access_token).user_id == again.user.identity
    assert (await accounts.refresh(again.refresh_token)).user.identity == again.user.identity


async def test_every_token_is_refused_here_at_once_and_elsewhere_as_soon_as_it_is_learned(house: Household) -> None:
    here, there = house.parts.services.accounts, elsewhere(house).parts.services.accounts
    ada = await house.person("ada")
    closed = list[str]()
    stop = there.erasures.erased.opened(ada.user.identity, lambda: closed.append("socket"))
    assert there.viewer(ada.access_token)
    await _deleted(house, ada)
    with pytest.raises(AppError, match="does not exist any more"):
        here.viewer(ada.access_token)
    with pytest.raises(AppError, match="does not exist any more"):
        await there.refresh(ada.refresh_token)
    assert (there.viewer(ada.access_token).user_id, closed) == (ada.user.identity, [])
    await there.erasures.learn()
    with pytest.raises(AppError, match="does not exist any more") as refused:
        there.viewer(ada.access_token)
    assert (refused.value.code, closed) == (ErrorCode.UNAUTHENTICATED, ["socket"])
    stop()


@dataclass(frozen=True, slots=True)
class Fate:
    """Kills a process at each step of an erasure at which none was killed before."""

    deaths: list[str] = field(default_factory=list[str])

    def step(self, what: str) -> None:
        if what not in self.deaths:
            self.deaths.append(what)
            raise KilledError


@dataclass(frozen=True, slots=True)
class Cut:
    """An eraser whose every step may be the last of its process."""

    eraser: Eraser
    fate: Fate

    @property
    def name(self) -> str:
        return self.eraser.name

    async def erase(self, owner_id: PydanticObjectId) -> AsyncGenerator[int]:
        self.fate.step(f"before {self.name}")
        async for count in self.eraser.erase(owner_id):
            self.fate.step(f"within {self.name}")
            yield count
        self.fate.step(f"after {self.name}")


@dataclass(frozen=True, slots=True)
class CutDoor:
    """The engine's lanes, which are opened and closed in steps, too."""

    fate: Fate

    async def close(self, owner_id: PydanticObjectId) -> None:
        self.fate.step("before the door is closed")
        await Lane.close(owner_id)
        self.fate.step("after the door was closed")

    async def forget(self, owner_id: PydanticObjectId) -> None:
        self.fate.step("before the door is forgotten")
        await Lane.forget(owner_id)
        self.fate.step("after the door was forgotten")


async def _moved_in(house: Household, name: str) -> PydanticObjectId:
    """Somebody with one of most things, made at little cost and some time ago."""
    now = utc_now()
    user = User(email=f"{name}@example.com", email_key=name, name=name, password_hash="", created_at=now)
    await user.insert()
    await house.parts.services.accounts.sessions.open(user.identity, Client())
    await house.started(user.identity)
    await house.database["pictures"].update_many({}, {"$set": {"touchedAt": now - timedelta(hours=1)}})
    image = image_of(user.identity)
    await image.insert()
    await Tombstone.keep([Tombstone.for_version(image)])
    await Promotion.choose(image)
    await templates.create(user.identity, "Shiny", "Make it {how}")
    return user.identity


@pytest.mark.long
async def test_erasure_whose_process_is_killed_at_every_step_is_finished_by_the_next(house: Household) -> None:
    fate, owner_id = Fate(), await _moved_in(house, "lovelace")
    erasers = [Cut(one, fate) for one in house.erasures.erasers]
    doomed = replace(house.erasures, door=CutDoor(fate), erasers=erasers)
    with pytest.raises(KilledError):
        await doomed.begin(owner_id)
    is_through = False
    while not is_through:
        try:
            await house.database["erasures"].update_many({}, {"$set": {"waitS": LAST_WAIT_S}})
            await house.rounds(erasures=doomed)
            is_through = True
        except KilledError:
            assert await Erasure.get(owner_id) is not None, "what was begun is known until all is done"
    assert await house.traces(owner_id, "lovelace") == {}
    for one in erasers:
        assert {f"before {one.name}", f"after {one.name}"} <= set(fate.deaths)
    within = {one.removeprefix("within ") for one in fate.deaths if one.startswith("within")}
    assert within >= {"users", "sessions", "generations", "ornament_images", "tombstones", "templates", "pictures"}


async def test_two_processes_at_once_do_a_round_once_and_disturb_nobody(house: Household) -> None:
    ada, bob = await _moved_in(house, "lovelace"), await _moved_in(house, "babbage")
    his = await house.rows_of(bob), await house.traces(bob)
    other = elsewhere(house)
    await house.erasures.begin(ada)
    await house.much_later()
    await asyncio.gather(*(one.erasures.go_on() for one in (house, other, house, other)))
    (erasure,) = await Erasure.find_all().to_list()
    assert (erasure.holder, erasure.wait_s) == (None, house.erasures.every_s), "one round, not four"
    assert (await house.rows_of(bob), await house.traces(bob)) == his


async def test_erasers_that_race_leave_nothing_and_disturb_nobody(house: Household) -> None:
    ada, bob = await _moved_in(house, "lovelace"), await _moved_in(house, "babbage")
    his = await house.rows_of(bob)
    await house.erasures.begin(ada)

    async def erase(one: Eraser) -> None:
        async for _ in one.erase(ada):
            pass

    erasers: Sequence[Eraser] = [*house.erasures.erasers, *elsewhere(house).erasures.erasers]
    await asyncio.gather(*(erase(one) for one in erasers))
    await house.rounds(2)
    assert await house.traces(ada) == _LEFT
    assert await house.rows_of(bob) == his


async def test_call_that_runs_is_broken_off_and_its_cost_counted_for_all(house: Household, gemini: Gemini) -> None:
    ada = await house.person("ada")
    generation = await house.started(ada.user.identity)
    gemini.hold()
    heeding = asyncio.create_task(house.parts.runner.heed_cancels())
    running = asyncio.create_task(house.parts.runner.run(generation.identity))
    await gemini.until(lambda seen: seen.in_flight == 1)
    await _deleted(house, ada)
    await house.rounds()
    await gemini.until(lambda seen: len(seen.disconnected) == 1)
    await running
    heeding.cancel()
    await house.rounds(2)
    assert await house.traces(ada.user.identity) == _LEFT
    assert await Generation.count() == await OrnamentImage.count() == 0
    (day,) = await BudgetDay.find_all().to_list()
    assert (day.committed, [entry.amount for entry in day.entries]) == (40_000, [0])


@dataclass(slots=True)
class Keeping:
    """Holds up whoever stores a picture."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def gate(self, place: str) -> None:
        if place == "put?":
            self.begun.set()
            await self.go_on.wait()

    def pictures(self, house: Household) -> Pictures:
        return Pictures(GatedStore(house.parts.store, self.gate))

    async def worker(self, house: Household, generation: Generation) -> asyncio.Task[None]:
        """One that works on it, and has the picture that it is about to keep."""
        maker = PictureMaker(self.pictures(house), house.parts.models.makers)
        runner = replace(house.parts.runner, jobs={generation.kind: OrnamentJob(maker)})
        running = asyncio.create_task(runner.run(generation.identity))
        await self.begun.wait()
        return running


async def test_result_of_a_worker_that_heard_nothing_is_found_by_a_later_round(house: Household) -> None:
    ada, keeping = await house.person("ada"), Keeping()
    running = await keeping.worker(house, await house.started(ada.user.identity))
    await _deleted(house, ada)
    await house.rounds()
    keeping.go_on.set()
    await running
    assert await OrnamentImage.count() == 1, "a result that is there wins over a cancel that nobody heard"
    await house.rounds(2)
    assert await house.traces(ada.user.identity) == _LEFT


async def test_picture_of_a_worker_that_lost_its_lease_is_found_by_a_later_round(house: Household) -> None:
    ada, keeping = await house.person("ada"), Keeping()
    generation = await house.started(ada.user.identity)
    running = await keeping.worker(house, generation)
    over = {"$set": {"lease.until": {"$subtract": ["$$NOW", 1]}}}
    await Generation.rows().update_one({"_id": generation.identity}, [over])
    await _deleted(house, ada)
    await house.rounds(2)
    assert await house.traces(ada.user.identity) == _LEFT
    keeping.go_on.set()
    await running
    assert await Generation.count() == await OrnamentImage.count() == 0
    assert await Picture.count() == 1, "it was kept before its worker knew"
    await house.rounds(2)
    assert await house.traces(ada.user.identity) == _LEFT


async def test_upload_under_way_is_refused_in_the_end_and_leaves_nothing(house: Household) -> None:
    ada, keeping = await house.person("ada"), Keeping()
    slow = replace(house.parts.services, pictures=keeping.pictures(house))
    held = replace(house, parts=replace(house.parts, services=slow))
    uploading = asyncio.create_task(held.started(ada.user.identity))
    await keeping.begun.wait()
    await _deleted(house, ada)
    await house.rounds(2)
    keeping.go_on.set()
    with pytest.raises(AppError, match="does not exist any more"):
        await uploading
    assert await Generation.count() == 0
    await house.rounds(2)
    assert await house.traces(ada.user.identity) == _LEFT


async def test_nothing_is_started_any_more_in_any_process(house: Household) -> None:
    ada = await house.person("ada")
    there = elsewhere(house)
    generation = await house.started(ada.user.identity)
    await _deleted(house, ada)
    for one in (house, there):
        with pytest.raises(AppError, match="does not exist any more") as refused:
            await one.started(ada.user.identity)
        assert refused.value.code is ErrorCode.UNAUTHENTICATED
    assert [one.identity for one in await Generation.find_all().to_list()] == [generation.identity]


async def test_starts_that_race_with_the_deletion_are_refused_or_swept_away(house: Household) -> None:
    ada, there = await house.person("ada"), elsewhere(house)
    starts = [one.started(ada.user.identity, number) for number in range(4) for one in (house, there)]
    *started, _ = await asyncio.gather(*starts, _deleted(house, ada), return_exceptions=True)
    refused = [one for one in started if isinstance(one, AppError)]
    assert {one.code for one in refused} <= {ErrorCode.UNAUTHENTICATED}
    assert len(refused) + sum(isinstance(one, Generation) for one in started) == len(starts)
    await house.rounds(2)
    assert await house.traces(ada.user.identity) == _LEFT


async def test_what_was_accepted_just_before_is_not_rung_for_and_goes_with_the_next_round(house: Household) -> None:
    ada = await house.person("ada")
    generation = await house.started(ada.user.identity)
    await _deleted(house, ada)
    await house.rounds(2)
    await Generation.rows().insert_one(generation.model_dump(by_alias=True))  # its insert was on the way all the time
    await house.parts.sweeper.sweep()
    (lane,) = await Lane.find_all().to_list()
    assert (lane.open, lane.closed) == ([], True)
    await house.rounds()
    assert await house.traces(ada.user.identity) == _LEFT


async def test_result_written_late_by_a_sweep_goes_with_the_next_round(house: Household) -> None:
    ada = await house.person("ada")
    generation = await house.started(ada.user.identity)
    await house.made(generation)
    ended = (await Generation.without_events([generation.identity]))[generation.identity]
    assert ended.status is Status.SUCCEEDED
    await _deleted(house, ada)
    await house.rounds(2)
    await house.parts.runner.closing.jobs[ended.kind].complete(ended)
    assert await OrnamentImage.count() == 1
    await house.rounds()
    assert await house.traces(ada.user.identity) == _LEFT


async def test_log_in_under_way_opens_nothing(house: Household) -> None:
    ada = await house.person("ada")
    accounts = house.parts.services.accounts
    await _deleted(house, ada)
    await house.rounds(2)
    session, _ = await accounts.sessions.open(ada.user.identity, Client())  # it had read the user before
    token, _ = accounts.tokens.issue(ada.user.identity, session.identity)
    with pytest.raises(AppError, match="does not exist any more"):
        accounts.viewer(token)
    await house.rounds()
    assert await house.traces(ada.user.identity) == _LEFT


def test_engine_is_the_one_that_starts_everything(house: Household) -> None:
    """What is refused at the door is refused to whatever starts work."""
    services = house.parts.services
    engines: set[int] = {
        id(one)
        for one in (services.ornaments.generations, services.replays.generations, services.batches.starter.generations)
    }
    assert engines == {id(services.generations)}
    assert isinstance(services.generations, Generations)
