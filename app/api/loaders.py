"""Batched reads: what one level of a query needs is read in one command.

They batch and do not cache: a context can live as long as a WebSocket, and nothing read may grow stale in it.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from beanie import PydanticObjectId
from strawberry.dataloader import DataLoader

from app.accounts.model import User
from app.api.lineage import TreeLoaders, tree_loaders
from app.archives.model import Archive
from app.batches.model import Batch
from app.chats.branches import Beside, answers_to, questions_beside
from app.chats.exchange import Exchange
from app.chats.frames import frames_in_order
from app.chats.image import ChatImage
from app.chats.model import Chat
from app.database.keyset import Stretch
from app.dreams.model import Dream
from app.dreams.versions import DreamVersion
from app.generations.backlog import waiting
from app.generations.model import Generation, Standing
from app.lineage.counts import Spot
from app.lineage.promotion import Promotion
from app.lineage.votes import Score, Vote
from app.ornaments.model import OrnamentImage
from app.pictures.model import Picture
from app.projects.invitation import Invitation
from app.projects.model import Project
from app.templates.model import Template, TemplateRevision
from app.templates.uses import uses_of

_AT_ONCE = 400
_IMAGES_AT_ONCE = 2_000
"""Of one tree they all ask about the same root."""

type Part = tuple[PydanticObjectId, Stretch]
"""A dream, and which stretch of its versions; a project, and which stretch of its contexts."""


@dataclass(frozen=True, slots=True)
class Loaders:
    """Documents by id; null for an id that names nothing. `promotions` are by the root's.

    `standing` is how generations stand, and no more of them. `queue_positions` are by the generation's id: how many
    have their turn before it, null when it waits no more. `versions` are dreams', by their own id; `dream_versions` are
    a stretch of those of a dream, `contexts` one of those of a project. `frames` are a project's in the order of the
    film, those in the trash included, `invitations` those to it that are open. `names` are people's,
    `administrators` who of them is one. `messages` are the exchanges of messages. `answers` are the
    exchanges of a user's message, `questions` those of the messages beside one, by the message's id; both oldest first.
    """

    pictures: DataLoader[PydanticObjectId, Picture | None]
    generations: DataLoader[PydanticObjectId, Generation | None]
    standing: DataLoader[PydanticObjectId, Standing | None]
    queue_positions: DataLoader[PydanticObjectId, int | None]
    ornament_images: DataLoader[PydanticObjectId, OrnamentImage | None]
    ornament_trees: TreeLoaders[OrnamentImage]
    chat_images: DataLoader[PydanticObjectId, ChatImage | None]
    chat_image_trees: TreeLoaders[ChatImage]
    archives: DataLoader[PydanticObjectId, Archive | None]
    promotions: DataLoader[PydanticObjectId, Promotion | None]
    scores: DataLoader[Spot, Score]
    batches: DataLoader[PydanticObjectId, Batch | None]
    dreams: DataLoader[PydanticObjectId, Dream | None]
    versions: DataLoader[PydanticObjectId, DreamVersion | None]
    dream_versions: DataLoader[Part, list[DreamVersion]]
    exchanges: DataLoader[PydanticObjectId, Exchange | None]
    answers: DataLoader[PydanticObjectId, list[PydanticObjectId]]
    questions: DataLoader[Beside, dict[PydanticObjectId, PydanticObjectId]]
    templates: DataLoader[PydanticObjectId, Template | None]
    template_revisions: DataLoader[PydanticObjectId, tuple[TemplateRevision, ...] | None]
    template_uses: DataLoader[PydanticObjectId, int | None]
    names: DataLoader[PydanticObjectId, str | None]
    projects: DataLoader[PydanticObjectId, Project | None]
    chats: DataLoader[PydanticObjectId, Chat | None]
    frames: DataLoader[PydanticObjectId, list[Chat] | None]
    contexts: DataLoader[Part, list[Chat]]
    invitations: DataLoader[PydanticObjectId, list[Invitation] | None]
    invitations_by_id: DataLoader[PydanticObjectId, Invitation | None]
    messages: DataLoader[PydanticObjectId, Exchange | None]
    administrators: DataLoader[PydanticObjectId, bool | None]


def make_loaders() -> Loaders:
    """New loaders, for one context."""
    return Loaders(
        pictures=_by_id(Picture.rows_by_ids),
        generations=_by_id(Generation.rows_by_ids),
        standing=_by_id(Generation.standing),
        queue_positions=_by_id(_queue_positions),
        ornament_images=_by_id(OrnamentImage.rows_by_ids),
        ornament_trees=tree_loaders(OrnamentImage),
        chat_images=_by_id(ChatImage.rows_by_ids),
        chat_image_trees=tree_loaders(ChatImage),
        archives=_by_id(Archive.by_ids),
        promotions=_by_id(Promotion.of_roots, _IMAGES_AT_ONCE),
        scores=DataLoader(load_fn=_scores, cache=False, max_batch_size=_IMAGES_AT_ONCE),
        batches=_by_id(Batch.by_ids),
        dreams=_by_id(Dream.rows_by_ids),
        versions=_by_id(DreamVersion.by_ids),
        dream_versions=_by_part(DreamVersion.of_dreams),
        exchanges=_by_id(Exchange.rows_by_ids),
        answers=DataLoader(load_fn=_answers, cache=False, max_batch_size=_AT_ONCE),
        questions=DataLoader(load_fn=_questions, cache=False, max_batch_size=_AT_ONCE),
        templates=_by_id(Template.by_ids),
        template_revisions=_by_id(Template.revisions_of),
        template_uses=_by_id(uses_of),
        names=_by_id(User.names_of),
        projects=_by_id(Project.by_ids),
        chats=_by_id(Chat.by_ids),
        frames=_by_id(frames_in_order),
        contexts=_by_part(Chat.contexts_of),
        invitations=_by_id(Invitation.open_of),
        invitations_by_id=_by_id(Invitation.by_ids),
        messages=_by_id(Exchange.of_messages),
        administrators=_by_id(User.administrators_among),
    )


def _by_id[T](
    read: Callable[[Sequence[PydanticObjectId]], Awaitable[Mapping[PydanticObjectId, T]]],
    at_once: int = _AT_ONCE,
) -> DataLoader[PydanticObjectId, T | None]:
    async def load(ids: list[PydanticObjectId]) -> list[T | None]:
        found = await read(list(dict.fromkeys(ids)))
        return [found.get(identity) for identity in ids]

    return DataLoader(load_fn=load, cache=False, max_batch_size=at_once)


def _by_part[T](
    read: Callable[[Sequence[PydanticObjectId], Stretch], Awaitable[Mapping[PydanticObjectId, list[T]]]],
) -> DataLoader[Part, list[T]]:
    """One command for each stretch that is asked for."""

    async def load(wanted: list[Part]) -> list[list[T]]:
        ids = defaultdict[Stretch, dict[PydanticObjectId, None]](dict)
        for identity, stretch in wanted:
            ids[stretch][identity] = None
        found = {stretch: await read(list(some), stretch) for stretch, some in ids.items()}
        return [found[stretch].get(identity, []) for identity, stretch in wanted]

    return DataLoader(load_fn=load, cache=False, max_batch_size=_AT_ONCE)


async def _answers(question_ids: list[PydanticObjectId]) -> list[list[PydanticObjectId]]:
    found = await answers_to(list(dict.fromkeys(question_ids)))
    return [found.get(question_id, []) for question_id in question_ids]


async def _questions(places: list[Beside]) -> list[dict[PydanticObjectId, PydanticObjectId]]:
    found = await questions_beside(places)
    return [found.get(place, {}) for place in places]


async def _scores(spots: list[Spot]) -> list[Score]:
    found = await Vote.scores(spots)
    return [found[spot] for spot in spots]


async def _queue_positions(_: Sequence[PydanticObjectId]) -> dict[PydanticObjectId, int]:
    return positions_in_turn(await waiting())


def positions_in_turn(
    oldest_first: Iterable[tuple[PydanticObjectId, PydanticObjectId]],
) -> dict[PydanticObjectId, int]:
    """How many come before each generation when their owners take turns; of (generation, owner), oldest first.

    The oldest of every owner come first, then each one's second, and so on; in one turn the older one is first.
    """
    turns = Counter[PydanticObjectId]()
    places: list[tuple[int, int, PydanticObjectId]] = []
    for age, (generation_id, owner_id) in enumerate(oldest_first):
        places.append((turns[owner_id], age, generation_id))
        turns[owner_id] += 1
    return {generation_id: before for before, (_, _, generation_id) in enumerate(sorted(places))}
