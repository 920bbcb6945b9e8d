"""The schema: every feature's part of the three roots, put together."""

from asyncio import gather
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import strawberry
from beanie import PydanticObjectId
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from app.api import (
    accounts,
    archives,
    batch_steering,
    batches,
    chat_events,
    chat_images,
    context_editing,
    deleting,
    diagnostics,
    dream_archives,
    dream_updates,
    dreams,
    estimates,
    events,
    frame_editing,
    generations,
    inviting,
    labels,
    lineage_archives,
    messages,
    messaging,
    ornament_making,
    ornaments,
    pictures,
    project_editing,
    project_members,
    projects,
    promoting,
    recording,
    redreaming,
    regenerating,
    replays,
    steering,
    templates,
    trash,
    using,
    voting,
)
from app.api.connections import LARGEST_PAGE
from app.api.context import Info, ShowResult
from app.api.descriptions import describe_from_docstrings
from app.api.enforcing import enforce
from app.api.errors import PublicErrors
from app.api.ids import parse_global_id
from app.api.limits import MAX_TOKENS
from app.api.node import FindNode, GlobalId, Node
from app.api.reckoning import OperationCost
from app.api.rules import RULES
from app.api.served_schema import OneOperation, RegenSchema
from app.api.validating import Execution, Keeping, Validation
from app.chats.recipes import GENERATION_KIND as CHAT
from app.chats.regenerating import IMAGE_KIND as CHAT_IMAGE
from app.diagnostics.results import GENERATION_KIND as DIAGNOSTICS
from app.dreams.exporting import EXPORT_KIND as DREAM_EXPORT
from app.dreams.recipes import GENERATION_KIND as DREAM
from app.errors import bad_input
from app.generations.model import Generation
from app.ornaments.exporting import EXPORT_KIND
from app.ornaments.importing import IMPORT_KIND
from app.ornaments.service import GENERATION_KIND as ORNAMENT

NODES: Mapping[str, FindNode] = MappingProxyType(
    {
        accounts.TYPE_NAME: accounts.find,
        accounts.VIEWER_TYPE_NAME: accounts.find_viewer,
        archives.TYPE_NAME: archives.find,
        batches.TYPE_NAME: batches.find,
        chat_images.TYPE_NAME: chat_images.find,
        diagnostics.TYPE_NAME: diagnostics.find,
        dreams.TYPE_NAME: dreams.find,
        dreams.VERSION_TYPE_NAME: dreams.find_version,
        generations.TYPE_NAME: generations.find,
        messages.TYPE_NAME: messages.find,
        ornaments.TYPE_NAME: ornaments.find,
        pictures.TYPE_NAME: pictures.find,
        projects.TYPE_NAME: projects.find,
        projects.CHAT_TYPE_NAME: projects.find_chat,
        projects.FRAME_TYPE_NAME: projects.find_frame,
        projects.CONTEXT_TYPE_NAME: projects.find_context,
        project_members.INVITATION_TYPE_NAME: project_members.find_invitation,
        templates.TYPE_NAME: templates.find,
    }
)
_RESULTS: Mapping[str, ShowResult] = MappingProxyType(
    {
        ORNAMENT: ornaments.result,
        CHAT_IMAGE: chat_images.result,
        CHAT: messages.result,
        DREAM: dreams.result,
        DREAM_EXPORT: archives.result,
        EXPORT_KIND: archives.result,
        IMPORT_KIND: ornaments.imported,
        DIAGNOSTICS: diagnostics.result,
    }
)
_ROOTS = {
    "Query": "What can be read.",
    "Mutation": "What can be done. Expected failures come in the payload's `errors`.",
    "Subscription": "What can be followed live.",
}


async def show_result(info: Info, generation: Generation) -> Node | None:
    """What a succeeded generation made; null when it is gone."""
    found: Node | None = await _RESULTS[generation.kind](info, generation)
    return found


@strawberry.type
class NodeQuery:
    """Fields of the query root."""

    @strawberry.field
    async def node(self, info: Info, id: GlobalId) -> Node | None:
        """An object of the viewer's, or of a project of theirs; null when there is none, or it is somebody else's."""
        return await _found(info, parse_global_id(id, "id"))

    @strawberry.field
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="Each an `id` as it was got, unchanged; at most 100.")
        ],
    ) -> list[Node | None] | None:
        """Objects as `node` shows them, in the order of their ids; null in the place of one that it answers so."""
        if len(ids) > LARGEST_PAGE:
            raise bad_input(f"`ids` are at most {LARGEST_PAGE}, not {len(ids)}: ask in parts.", "ids")
        parsed = [parse_global_id(one, "ids", str(place)) for place, one in enumerate(ids)]
        each = tuple(dict.fromkeys(parsed))
        found = dict(zip(each, await gather(*(_found(info, one) for one in each)), strict=True))
        return [found[one] for one in parsed]


async def _found(info: Info, identity: tuple[str, PydanticObjectId]) -> Node | None:
    type_name, document_id = identity
    find = NODES.get(type_name)
    return await find(info, document_id) if find else None


Query = merge_types(
    "Query",
    (
        NodeQuery,
        accounts.AccountQuery,
        generations.GenerationQuery,
        estimates.EstimateQuery,
        diagnostics.DiagnosticsQuery,
    ),
)
Subscription = merge_types(
    "Subscription",
    (
        events.GenerationSubscription,
        batch_steering.BatchSubscription,
        dream_updates.DreamSubscription,
        chat_events.ChatSubscription,
        diagnostics.DiagnosticsSubscription,
    ),
)
Mutation = merge_types(
    "Mutation",
    (
        accounts.AccountMutation,
        deleting.DeletionMutation,
        ornament_making.OrnamentMutation,
        regenerating.RegenerationMutation,
        replays.ReplayMutation,
        batch_steering.BatchMutation,
        labels.LabelMutation,
        lineage_archives.LineageArchiveMutation,
        messaging.MessageMutation,
        promoting.PromotionMutation,
        trash.TrashMutation,
        using.UsingMutation,
        voting.VoteMutation,
        templates.TemplateMutation,
        recording.RecordingMutation,
        redreaming.RedreamingMutation,
        dream_archives.DreamArchiveMutation,
        project_editing.ProjectMutation,
        inviting.MemberMutation,
        frame_editing.FrameMutation,
        context_editing.ContextMutation,
        steering.GenerationMutation,
        diagnostics.DiagnosticsMutation,
    ),
)


schema = RegenSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[
        archives.Archive,
        chat_images.ChatImage,
        diagnostics.DiagnosticsRun,
        messages.ChatMessage,
        ornaments.OrnamentImage,
        dreams.Dream,
        pictures.Picture,
    ],
    config=StrawberryConfig(),
    extensions=[
        PublicErrors,
        lambda: MaxTokensLimiter(MAX_TOKENS),
        Validation,
        OneOperation,  # it and those below after the others, which know nothing of names and variables
        OperationCost,
        Keeping,
    ],
    execution_context_class=Execution,
)
_core = schema._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no public way to the core schema
describe_from_docstrings(_core, _ROOTS)
enforce(_core, RULES)


def schema_text() -> str:
    """The schema in GraphQL's schema definition language, as `schema.graphql` keeps it."""
    return schema.as_str().rstrip() + "\n"
