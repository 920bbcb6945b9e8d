"""People around one project, and one of everything that an operation may name, planted where somebody owns it.

A new type with an id wants a line in `PLANTS`; an operation that needs something special, one for its argument.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from beanie import PydanticObjectId

from app.access import Role
from app.accounts.model import User
from app.accounts.sessions import Client
from app.api.ids import global_id
from app.archives.model import Archive, ArchiveState
from app.batches.model import Batch, BatchItem
from app.chats.exchange import AnswerStatus, Exchange, Slot, SlotStatus
from app.chats.image import ChatImage
from app.chats.model import Chat, ChatKind
from app.database.document import utc_now
from app.diagnostics.results import GENERATION_KIND as DIAGNOSTICS
from app.diagnostics.service import recipe_of as recipe_of_run
from app.diagnostics.suites import Suite
from app.dreams.model import Aside, Dream
from app.dreams.versions import DreamVersion
from app.generations.model import Generation, Status
from app.generations.recipe import Recipe, RecipePicture
from app.lineage.place import Lineage
from app.ornaments.model import OrnamentImage
from app.ornaments.service import GENERATION_KIND
from app.pictures.model import Picture
from app.projects.invitation import Invitation
from app.projects.made_once import Call
from app.projects.membership import join
from app.projects.model import Member, Project
from app.projects.words import Words
from app.providers.ports.model import Source
from app.templates.model import Template
from tests.api.shop import PASSWORD, Shop
from tests.chats.studio import some_bytes
from tests.dreams.dreams import dream_of, illustration_of, interpretation_of
from tests.ornaments.images import image_of


class Persona(StrEnum):
    """Who tries: the owner of a project and of much else, two members of it, somebody else, and nobody at all."""

    OWNER = "OWNER"
    EDITOR = "EDITOR"
    VIEWER = "VIEWER"
    STRANGER = "STRANGER"
    NOBODY = "NOBODY"


ROLES: Final[Mapping[Persona, Role]] = MappingProxyType(
    {Persona.OWNER: Role.OWNER, Persona.EDITOR: Role.EDITOR, Persona.VIEWER: Role.VIEWER}
)
"""In the owner's projects."""
_EMAIL: Final = "grace@example.com"
ALWAYS_OF_A_PROJECT: Final = frozenset(
    {"Project", "Chat", "Frame", "Context", "ChatMessage", "ChatImage", "Invitation"}
)
SOMETIMES_OF_A_PROJECT: Final = frozenset({"Generation"})


@dataclass(slots=True)
class Plot:
    """What one person owns: each kind of thing once, planted when it is first asked for, in one project if in any.

    `of_project`: what need not be of a project is of this one, too. `picture_id` stays: the same bytes are the same.
    """

    shop: Shop
    members: tuple[Member, ...] = ()
    of_project: bool = False
    planted: dict[str, PydanticObjectId] = field(default_factory=dict[str, PydanticObjectId])
    picture_id: PydanticObjectId | None = None

    @property
    def owner_id(self) -> PydanticObjectId:
        return self.shop.owner_id

    async def id_of(self, kind: str) -> PydanticObjectId:
        """The thing of a kind: a type's name, or the argument of an operation that `PLANTS` knows."""
        if kind not in self.planted:
            self.planted[kind] = await PLANTS[kind](self)
        return self.planted[kind]

    async def project_id(self) -> PydanticObjectId | None:
        """That of its project, for what need not be of one."""
        return await self.id_of("Project") if self.of_project else None

    async def named(self, argument: str, type_name: str) -> str:
        """The global id for an argument (`vote.input.loserId`)."""
        return global_id(type_name, await self.id_of(argument if argument in PLANTS else type_name))


async def _picture(plot: Plot) -> PydanticObjectId:
    if plot.picture_id is None or not await Picture.touch(plot.picture_id, plot.owner_id):
        plot.picture_id = (await plot.shop.services.pictures.keep(plot.owner_id, some_bytes())).identity
    return plot.picture_id


def _generation(status: Status) -> Callable[[Plot], Awaitable[PydanticObjectId]]:
    async def plant(plot: Plot) -> PydanticObjectId:
        picture = await Picture.get(await plot.id_of("Picture"))
        assert picture is not None
        shown = RecipePicture(picture_id=picture.identity, sha256=picture.sha256)
        recipe = Recipe(task="CUT_OUT", prompts=("a", "b"), pictures=(shown,), provider="local", model="local-1")
        return await _started(plot, GENERATION_KIND, recipe, status)

    return plant


async def _run(plot: Plot) -> PydanticObjectId:
    return await _started(plot, DIAGNOSTICS, recipe_of_run(Suite.PROVIDERS), Status.QUEUED)


async def _started(plot: Plot, kind: str, recipe: Recipe, status: Status) -> PydanticObjectId:
    generation = Generation.queued(plot.owner_id, kind, recipe, f"{PydanticObjectId()}", utc_now())
    generation.status, generation.settled = status, status.ended
    generation.project_id = await plot.project_id()
    assert await Generation.start(generation)
    return generation.identity


def _batch(status: Status) -> Callable[[Plot], Awaitable[PydanticObjectId]]:
    async def plant(plot: Plot) -> PydanticObjectId:
        generation_id = await _generation(status)(plot)
        batch = Batch.held(
            "",
            utc_now(),
            owner_id=plot.owner_id,
            kind=GENERATION_KIND,
            parameters={"wish": "Make it shine"},
            asked="",
            idempotency_key=f"{PydanticObjectId()}",
            items=[BatchItem(subject_id=await plot.id_of("OrnamentImage"), generation_id=generation_id)],
        )
        batch.settled, batch.busy_until = True, batch.created_at
        await batch.put()
        return batch.identity

    return plant


async def _ornament(plot: Plot) -> PydanticObjectId:
    root = image_of(plot.owner_id, picture_id=await plot.id_of("Picture"))
    images = [image_of(plot.owner_id, wish, root, picture_id=root.picture_id) for wish in ("Gold", "Silver")]
    await OrnamentImage.insert_many([root, *images])
    plot.planted["sibling"] = images[1].identity
    return images[0].identity


async def _sibling(plot: Plot) -> PydanticObjectId:
    await plot.id_of("OrnamentImage")
    return plot.planted["sibling"]


async def _template(plot: Plot) -> PydanticObjectId:
    now = utc_now()
    revised: dict[str, Any] = {"revision": 2, "created_at": now, "updated_at": now}
    template = Template(owner_id=plot.owner_id, name="a", text="b", variables=(), **revised)
    await template.insert()
    return template.identity


async def _archive(plot: Plot) -> PydanticObjectId:
    now = utc_now()
    kept: dict[str, Any] = {"state": ArchiveState.READY, "created_at": now, "expires_at": now}
    archive = Archive(owner_id=plot.owner_id, generation_id=None, file_name="lineage-1.zip", **kept)
    await archive.insert()
    return archive.identity


async def _dream(plot: Plot) -> PydanticObjectId:
    dream = dream_of(plot.owner_id, illustration=illustration_of(await plot.id_of("Picture")))
    await dream.insert()
    return dream.identity


async def _dream_version(plot: Plot) -> PydanticObjectId:
    dream = await Dream.get(await plot.id_of("Dream"))
    assert dream is not None
    aside = Aside(interpretation=interpretation_of(1), illustration=illustration_of(await plot.id_of("Picture")))
    await DreamVersion.keep(dream, aside)
    return aside.version_id


async def _oneself(plot: Plot) -> PydanticObjectId:
    return plot.owner_id


async def _project(plot: Plot) -> PydanticObjectId:
    now = utc_now()
    asked: dict[str, Any] = {"idempotency_key": f"{PydanticObjectId()}", "asked": ""}
    project = Project(
        owner_id=plot.owner_id, name="A film", members=plot.members, created_at=now, changed_at=now, **asked
    )
    await project.insert()
    main = _chat_of(plot, project.identity, ChatKind.MAIN, project.identity)
    await main.insert()
    return project.identity


def _chat_of(plot: Plot, project_id: PydanticObjectId, kind: ChatKind, identity: PydanticObjectId) -> Chat:
    now = utc_now()
    return Chat(
        id=identity,
        owner_id=plot.owner_id,
        project_id=project_id,
        kind=kind,
        title=kind.title(),
        branch_id=identity,
        idempotency_key=f"{PydanticObjectId()}",
        asked="",
        created_at=now,
        changed_at=now,
    )


def _chat(kind: ChatKind) -> Callable[[Plot], Awaitable[PydanticObjectId]]:
    async def plant(plot: Plot) -> PydanticObjectId:
        chat = _chat_of(plot, await plot.id_of("Project"), kind, PydanticObjectId())
        await chat.insert()
        return chat.identity

    return plant


async def _answer(
    plot: Plot, chat_id: PydanticObjectId, status: AnswerStatus, image: SlotStatus, position: int = 0
) -> Exchange:
    """An answer of one image."""
    now = utc_now()
    exchange = Exchange(
        id=PydanticObjectId(),
        owner_id=plot.owner_id,
        project_id=await plot.id_of("Project"),
        chat_id=chat_id,
        branch_id=chat_id,
        position=position,
        place=f"{chat_id}:{position}",
        question_id=PydanticObjectId(),
        parent_id=None,
        author_id=plot.owner_id,
        idempotency_key=f"{PydanticObjectId()}",
        asked="",
        prompt="A quiet sea",
        status=status,
        slots=(Slot(image_id=PydanticObjectId(), status=image),),
        created_at=now,
        changed_at=now,
    )
    await exchange.insert()
    return exchange


async def _exchange(plot: Plot) -> PydanticObjectId:
    """In the chat of a frame."""
    return (await _answer(plot, await plot.id_of("Frame"), AnswerStatus.READY, SlotStatus.READY)).identity


async def _question(plot: Plot) -> PydanticObjectId:
    """The message that it answers."""
    exchange = await Exchange.get(await plot.id_of("ChatMessage"))
    assert exchange is not None
    return exchange.question_id


async def _failed(plot: Plot) -> PydanticObjectId:
    chat_id = await plot.id_of("Frame")
    return (await _answer(plot, chat_id, AnswerStatus.FAILED, SlotStatus.FAILED, position=1)).identity


async def _followed(plot: Plot) -> PydanticObjectId:
    """A chat in which something is under way, with which its events begin."""
    chat_id = await _chat(ChatKind.CONTEXT)(plot)
    await _answer(plot, chat_id, AnswerStatus.PROCESSING, SlotStatus.PENDING)
    return chat_id


async def _invitation(plot: Plot) -> PydanticObjectId:
    project = await Project.get(await plot.id_of("Project"))
    assert project is not None
    invitation, _ = Invitation.to(project, Role.EDITOR)
    await invitation.insert()
    return invitation.identity


async def _member(plot: Plot) -> PydanticObjectId:
    """One more, who is none of those who try."""
    user_id = PydanticObjectId()
    await join(await plot.id_of("Project"), user_id, Role.VIEWER)
    return user_id


async def _chat_image(plot: Plot) -> PydanticObjectId:
    exchange = await Exchange.get(await plot.id_of("ChatMessage"))
    assert exchange is not None
    (slot,) = exchange.slots
    image = ChatImage(
        id=slot.image_id,
        owner_id=plot.owner_id,
        project_id=exchange.project_id,
        chat_id=exchange.chat_id,
        exchange_id=exchange.identity,
        picture_id=await plot.id_of("Picture"),
        generation_id=PydanticObjectId(),
        lineage=Lineage.of_root(slot.image_id),
        parent_id=None,
        prompt=exchange.prompt,
        original_prompt=exchange.prompt,
        new_prompt=None,
        prompts=(exchange.prompt,),
        combined_prompt=exchange.prompt,
        source=Source.MOCK,
        created_at=utc_now(),
    )
    await image.insert()
    return image.identity


PLANTS: Final[Mapping[str, Callable[[Plot], Awaitable[PydanticObjectId]]]] = MappingProxyType(
    {
        "Archive": _archive,
        "Batch": _batch(Status.QUEUED),
        "Chat": _chat(ChatKind.CONTEXT),
        "ChatImage": _chat_image,
        "ChatMessage": _exchange,
        "Context": _chat(ChatKind.CONTEXT),
        "Dream": _dream,
        "DiagnosticsRun": _run,
        "DreamVersion": _dream_version,
        "Frame": _chat(ChatKind.FRAME),
        "Generation": _generation(Status.QUEUED),
        "Invitation": _invitation,
        "OrnamentImage": _ornament,
        "Picture": _picture,
        "Project": _project,
        "Template": _template,
        "User": _oneself,
        "Viewer": _oneself,
        "Viewer.compareImages.b": _sibling,
        "changeRole.input.userId": _member,
        "chatEvents.chatId": _followed,
        "diagnostics.generationId": _run,
        "diagnosticsUpdates.generationId": _run,
        "editAndResend.input.messageId": _question,
        "removeMember.input.userId": _member,
        "replayGeneration.input.generationId": _generation(Status.SUCCEEDED),
        "retryBatch.input.id": _batch(Status.FAILED),
        "retryGeneration.input.id": _generation(Status.FAILED),
        "retryMessageImages.input.messageId": _failed,
        "vote.input.loserId": _sibling,
    }
)
"""How one of each type comes to be, or what an operation's argument has to name: `operation.path`."""


@dataclass(slots=True)
class World:
    """Everybody, and what was planted for them."""

    people: Mapping[Persona, Shop]
    _plots: dict[tuple[Persona, bool], Plot] = field(default_factory=dict[tuple[Persona, bool], Plot])

    @classmethod
    async def around(cls, shop: Shop) -> "World":
        """One where nothing is planted yet."""
        people = {Persona.NOBODY: shop}
        for persona in [one for one in Persona if one is not Persona.NOBODY]:
            people[persona] = await shop.joined()
        return cls(people)

    def plot(self, persona: Persona, *, of_project: bool = False) -> Plot:
        """Somebody's; the owner's project has its members."""
        known = self._plots.get((persona, of_project))
        return known or self._plots.setdefault((persona, of_project), self._new(persona, of_project=of_project))

    def _new(self, persona: Persona, *, of_project: bool) -> Plot:
        now, members = utc_now(), (Persona.EDITOR, Persona.VIEWER)
        is_owner = persona is Persona.OWNER
        joined = [Member(user_id=self.people[one].owner_id, role=ROLES[one], joined_at=now) for one in members]
        return Plot(self.people[persona], tuple(joined) if is_owner else (), of_project)

    async def set_administrators(self, *, are_all: bool) -> None:
        """Make everybody one, or nobody."""
        everybody = [one.owner_id for one in self.people.values() if one.viewer]
        await User.rows().update_many({"_id": {"$in": everybody}}, {"$set": {"isAdmin": are_all}})

    async def credentials(self) -> Mapping[str, str]:
        """What somebody logs in with, goes on with in a session that is new each time, and invites others with."""
        accounts, client = self.people[Persona.NOBODY].services.accounts, Client(None, None)
        user = await User.with_email_key(_EMAIL)
        if user is None:
            user = (await accounts.sign_up(_EMAIL, PASSWORD, "Grace", client)).user
        _, token = await accounts.sessions.open(user.identity, client)
        invited = await self._invited(user.identity)
        return {"email": _EMAIL, "password": PASSWORD, "refreshToken": token.text, "token": invited}

    async def _invited(self, owner_id: PydanticObjectId) -> str:
        """The token of an invitation to a project of that user's."""
        key = f"{PydanticObjectId()}"
        project = await self.people[Persona.NOBODY].services.projects.create(Call(owner_id, key, ""), Words("Hers"), ())
        invitation, token = Invitation.to(project, Role.VIEWER)
        await invitation.insert()
        return token
