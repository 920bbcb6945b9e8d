"""The matrix: every operation of the schema, and every argument that names a thing, tried by everybody.

It is made from the schema and from `app/api/rules.py`. The ids are of the owner's things; whatever else an operation
takes is the caller's own. What is answered is compared with what the rule says of the caller, and what a rule calls
hidden is compared with what is answered to the id of nothing.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from beanie import PydanticObjectId
from pymongo.asynchronous.database import AsyncDatabase
from starlette.datastructures import UploadFile

from app.access import Role
from app.api.ids import global_id
from app.api.rule import Caller, Named, Refusal, Rule
from app.api.rules import NODES_OF_ADMINISTRATORS, NODES_SEEN_BY, RULES
from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.model import Chat
from app.projects.invitation import Invitation
from app.projects.model import Project
from tests.api.calls import ROOTS, Answer, Operation, call, fields_below_that_take_ids, root_fields, texts
from tests.api.operations import Samples
from tests.api.shop import opened_shop
from tests.api.world import ALWAYS_OF_A_PROJECT, PLANTS, ROLES, SOMETIMES_OF_A_PROJECT, Persona, Plot, World
from tests.ornaments.sent import sent

_SECRETS = {
    "logIn": ("email", "password"),
    "refreshSession": ("refreshToken",),
    "logOut": ("refreshToken",),
    "acceptInvitation": ("token",),
}
"""Fields of an input whose values nobody can make up."""
_LAST_OF_THE_CALLER = {"deleteAccount"}
_ALLOWED, _UNAUTHENTICATED = "ALLOWED", "UNAUTHENTICATED"
_SHOWN_TO_MEMBERS = {"Picture", "User", "Viewer"}
"""By their ids, in what a project shows."""


@pytest.fixture
async def world(database: AsyncDatabase[dict[str, Any]], mongodb_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened_shop(database, mongodb_url, tmp_path) as shop:
        yield await World.around(shop)


class Office(StrEnum):
    """Whether everybody is an administrator, one after the other."""

    NEVER = "NEVER"
    NOW = "NOW"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class Case:
    """An operation in which one argument names a thing of the owner's; of one that names nothing, both are null.

    `of_project`: the thing is of a project, of which it need not be. `office` is null where it makes no difference.
    """

    operation: Operation
    rule: Rule
    named: Named | None = None
    type_name: str | None = None
    of_project: bool = False
    office: Office | None = None

    @property
    def needs_an_administrator(self) -> bool:
        """And nobody is one."""
        return self.office in {Office.NEVER, Office.REVOKED}

    def expected(self, persona: Persona) -> str:
        """What its rule says of somebody."""
        if self.rule.caller is not Caller.ANYBODY and persona is Persona.NOBODY:
            return _UNAUTHENTICATED
        if self.needs_an_administrator:
            return Refusal.FORBIDDEN if self.rule.caller is Caller.ADMINISTRATOR else Refusal.HIDDEN
        if self.named is None:
            return _ALLOWED
        is_shared = self.of_project or self.type_name in ALWAYS_OF_A_PROJECT
        role = ROLES.get(persona) if is_shared or persona is Persona.OWNER else None
        needed = [one.needed for one in self.rule.names if one.needed is not None and self.is_owners(one)]
        return _ALLOWED if role is not None and all(map(role.allows, needed)) else self.named.refusal

    def is_owners(self, named: Named) -> bool:
        """Whether that argument names the owner's: the one in question, and with it what takes no right of its own."""
        if self.named is None or named.path == self.named.path:
            return named == self.named
        return self.type_name in ALWAYS_OF_A_PROJECT and named.needed is None

    def __str__(self) -> str:
        of_project = " of a project" if self.of_project else ""
        of_project += f", administrators {self.office}" if self.office else ""
        argument = f" {self.named.path}: {self.type_name}{of_project}" if self.named else ""
        return f"{self.operation.name}{argument}"

    @property
    def arguments(self) -> list[Named]:
        """Those that name something, each once: the one in question, and of others their first kind."""
        first = dict[str, Named]()
        for named in (*([self.named] if self.named else ()), *self.rule.names):
            first.setdefault(named.path, named)
        return [*first.values()]


def _cases(root: str) -> Iterator[Case]:
    for operation in _operations():
        rule = RULES.get(operation.name)
        if operation.root != root or rule is None:  # tests/api/test_rules.py says so
            continue
        names = [named for named in rule.names if named.needed is not None]
        for named in names:
            for type_name, of_project in _kinds(named):
                for office in _offices(rule, type_name):
                    yield Case(operation, rule, named, type_name, of_project, office)
        if not names:
            yield from (Case(operation, rule, office=office) for office in _offices(rule))


def _offices(rule: Rule, type_name: str = "") -> list[Office] | list[None]:
    is_for_administrators = rule.caller is Caller.ADMINISTRATOR or type_name in NODES_OF_ADMINISTRATORS
    return [*Office] if is_for_administrators else [None]


def _operations() -> Iterator[Operation]:
    yield from (Operation(*one) for one in root_fields())
    yield from (Operation("Query", name, field) for name, field in fields_below_that_take_ids())


def _kinds(named: Named) -> Iterator[tuple[str, bool]]:
    for type_name in named.types:
        yield type_name, False
        if type_name in SOMETIMES_OF_A_PROJECT:
            yield type_name, True


async def _asked(world: World, case: Case, persona: Persona, *, of_nothing: bool = False) -> dict[str, Any]:
    """The variables of the call, all that they name planted; `of_nothing`: the one in question names nothing."""
    theirs, own = _plots(world, case, persona)
    ids = {"archive: Upload": UploadFile(BytesIO(sent())), **{_key(one): _key(one) for one in case.arguments}}
    taken = {*texts(case.operation.variables(Samples(ids), case.named, ""))}
    if case.named is None:
        await own.id_of("Generation")  # what `viewerEvents` begins with
    for named in case.arguments:
        if named != case.named and _key(named) in taken:
            ids[_key(named)] = await _id(theirs if case.is_owners(named) else own, case, named, named.types[0])
    identity = None
    if case.named and case.type_name:
        nothing = global_id(case.type_name, PydanticObjectId())
        identity = nothing if of_nothing else await _id(theirs, case, case.named, case.type_name)
    variables = case.operation.variables(Samples(ids), case.named, identity)
    if secrets := _SECRETS.get(case.operation.name):
        given = await world.credentials()
        variables["input"] = {**(variables.get("input") or {}), **{name: given[name] for name in secrets}}
    return variables


def _plots(world: World, case: Case, persona: Persona) -> tuple[Plot, Plot]:
    """The owner's, and the one that all else is of."""
    theirs = world.plot(Persona.OWNER, of_project=case.of_project)
    has_none = persona in {Persona.OWNER, Persona.NOBODY}
    return theirs, theirs if has_none else world.plot(persona, of_project=case.of_project)


def _key(named: Named) -> str:
    """What `Samples` knows the argument by."""
    is_picture = named.path.endswith(".id") and _last(named.path) != "id"
    return "Picture" if is_picture else named.path.rpartition(".")[2]


async def _id(plot: Plot, case: Case, named: Named, type_name: str) -> str:
    return await plot.named(f"{case.operation.name}.{named.path}", type_name)


async def _outcome(world: World, case: Case, persona: Persona) -> str:
    """What a call comes to, in the words of the rules; or what is wrong with its answer."""
    if case.operation.name in _LAST_OF_THE_CALLER and persona is not Persona.NOBODY:
        world = replace(world, people={**world.people, persona: await world.people[persona].joined()})
    person = world.people[persona]
    answer = await call(person, case.operation, await _asked(world, case, persona))
    outcome = _read(case, answer)
    left_out = outcome == _ALLOWED and case.expected(persona) == Refusal.LEFT_OUT
    if left_out or outcome in {Refusal.HIDDEN, Refusal.INVALID}:
        of_nothing = await call(person, case.operation, await _asked(world, case, persona, of_nothing=True))
        if answer != of_nothing:
            return f"tells that it is there: {answer}, and of nothing {of_nothing}"
    if outcome == _ALLOWED and case.operation.root == "Mutation":
        for plot in _plots(world, case, persona):
            plot.planted.clear()  # it may be gone, or another
    return Refusal.LEFT_OUT if left_out else outcome


def _read(case: Case, answer: Answer) -> str:
    codes = answer.codes | {*answer.items}
    if answer.codes == {_UNAUTHENTICATED}:
        return _UNAUTHENTICATED
    if codes == {"FORBIDDEN"} and case.needs_an_administrator:
        return Refusal.FORBIDDEN
    if codes == {"FORBIDDEN"}:
        return Refusal.ITEM if answer.items else _at_its_argument(case, answer, Refusal.FORBIDDEN)
    if codes == {"NOT_FOUND"} or (not codes and answer.data in (None, [None])):
        return Refusal.HIDDEN
    if codes == {"BAD_USER_INPUT"}:
        return _at_its_argument(case, answer, Refusal.INVALID)
    return _ALLOWED if not codes else f"failed: {answer.errors} {answer.items}"


def _at_its_argument(case: Case, answer: Answer, refusal: Refusal) -> str:
    """The refusal, if it says which argument it is about; an estimate says it as the mutation does."""
    paths = {_last(named.path) for named in case.rule.names if case.is_owners(named)}
    places = {_last(place) for _, place, _ in answer.errors}
    return refusal if places <= paths else f"{refusal} at {places}, not at {paths}: {answer.errors}"


def _last(path: str) -> str:
    """Its last name, that of a picture's input rather than of the id in it."""
    *_, parent, name = ("", *(one for one in path.split(".") if not one.isdigit()))
    return parent if name == "id" and parent != "input" else name


def _who_try(case: Case, asked: set[str]) -> Iterator[Persona]:
    """Everybody; nobody does it once of each operation, which looks at no argument before it is refused."""
    is_first = case.rule.caller is Caller.ANYBODY or case.operation.name not in asked
    asked.add(case.operation.name)
    yield from (persona for persona in reversed([*Persona]) if is_first or persona is not Persona.NOBODY)


@pytest.mark.long
@pytest.mark.timeout(300)  # thousands of calls, which a busy machine takes its time for
@pytest.mark.parametrize("root", ROOTS)
async def test_everybody_may_what_the_rules_say_and_no_more(root: str, world: World) -> None:
    wrong, asked, tried = list[str](), set[str](), 0
    for case in _cases(root):
        if case.office:
            await world.set_administrators(are_all=case.office is Office.NOW)
        for persona in _who_try(case, asked):  # who may nothing first: the others use up what was planted
            expected, outcome = case.expected(persona), await _outcome(world, case, persona)
            wrong += [f"{case}, as {persona}: {outcome}, not {expected}"] if outcome != expected else []
            tried += 1
    assert not wrong, "\n".join(wrong)
    assert tried


@pytest.mark.parametrize("root", ROOTS)
async def test_what_names_nothing_shows_nothing_of_others(root: str, world: World) -> None:
    theirs, of_no_project = set[str](), set[str]()
    for of_project in (False, True):
        plot = world.plot(Persona.OWNER, of_project=of_project)
        theirs |= {f"{await plot.id_of(kind)}" for kind in PLANTS}
        of_no_project |= {f"{await plot.id_of(kind)}" for kind in _hidden_from_members(of_project=of_project)}
    for case in _cases(root):
        if case.named or case.rule.caller is not Caller.SIGNED_IN or case.operation.name in _LAST_OF_THE_CALLER:
            continue
        for persona in (Persona.EDITOR, Persona.VIEWER, Persona.STRANGER):
            variables = await _asked(world, case, persona)
            answer = await call(world.people[persona], case.operation, variables, whole=True)
            assert answer.errors == (), case
            hidden = theirs if persona is Persona.STRANGER else of_no_project
            assert hidden.isdisjoint(answer.shown()), (case, persona)


def _hidden_from_members(*, of_project: bool) -> set[str]:
    roles = {**NODES_SEEN_BY, **({} if of_project else {"Generation": Role.OWNER})}
    return {kind for kind, role in roles.items() if role is Role.OWNER} - _SHOWN_TO_MEMBERS


async def test_what_takes_no_right_to_name_is_refused_beside_ones_own_as_if_it_were_not_there(world: World) -> None:
    """A frame, an image or a member of another's project, in a call about the caller's."""
    free = [(one, named) for one in _operations() for named in RULES[one.name].names if named.needed is None]
    for operation, named in free:
        case, stranger = Case(operation, RULES[operation.name], named, named.types[0]), world.people[Persona.STRANGER]
        asked = [await _asked(world, case, Persona.STRANGER, of_nothing=of_nothing) for of_nothing in (False, True)]
        of_another, of_nothing = [await call(stranger, operation, variables) for variables in asked]
        assert of_another.codes, case
        assert of_another == of_nothing, case
    assert free


async def test_owner_is_shown_what_others_are_not(world: World) -> None:
    """The test above can fail."""
    plot = world.plot(Persona.OWNER)
    dream_id = await plot.id_of("Dream")
    (viewer,) = (case for case in _cases("Query") if case.operation.name == "viewer")
    shown = await call(world.people[Persona.OWNER], viewer.operation, {}, whole=True)
    assert {f"{dream_id}", f"{plot.owner_id}"} <= {*shown.shown()}


_PICTURES = "query ($id: ID!) { generation(id: $id) { recipe { pictures { id url } } } }"
_NODE = "query ($id: ID!) { node(id: $id) { id } }"


@pytest.mark.parametrize("persona", [Persona.EDITOR, Persona.VIEWER])
async def test_member_sees_a_picture_by_what_shows_it_and_not_by_its_id(persona: Persona, world: World) -> None:
    plot = world.plot(Persona.OWNER, of_project=True)
    generation_id, picture_id = await plot.named("", "Generation"), await plot.named("", "Picture")
    member = world.people[persona]
    shown = await member.run(_PICTURES, {"id": generation_id})
    assert [one["id"] for one in shown["generation"]["recipe"]["pictures"]] == [picture_id]
    assert await member.run(_NODE, {"id": picture_id}) == {"node": None}


async def test_generations_of_a_project_are_listed_by_its_owner_alone(world: World) -> None:
    generation_id = await world.plot(Persona.OWNER, of_project=True).named("", "Generation")
    listed = {
        persona: (await shop.run("{ viewer { generations { nodes { id } } } }"))["viewer"]["generations"]["nodes"]
        for persona, shop in world.people.items()
        if shop.viewer
    }
    assert {persona for persona, nodes in listed.items() if nodes} == {Persona.OWNER}
    assert listed[Persona.OWNER] == [{"id": generation_id}]


@pytest.mark.parametrize("kind", sorted(ALWAYS_OF_A_PROJECT))
async def test_gate_knows_the_members_of_a_project_and_of_all_that_is_in_it(kind: str, world: World) -> None:
    plot = world.plot(Persona.OWNER)
    documents = {"Project": Project, "ChatMessage": Exchange, "ChatImage": ChatImage, "Invitation": Invitation}
    thing: Any = await documents.get(kind, Chat).get(await plot.id_of(kind))
    gate, people = plot.shop.services.gate, world.people
    roles = {one: await gate.role(people[one].owner_id, thing) for one in Persona if people[one].viewer}
    assert roles == {**ROLES, Persona.STRANGER: None}


def test_every_type_that_a_rule_names_can_be_planted() -> None:
    missing = {one for rule in RULES.values() for named in rule.names for one in named.types} - set(PLANTS)
    assert missing == set(), "a line in PLANTS (tests/api/world.py) says how one comes to be, for the matrix to try"
