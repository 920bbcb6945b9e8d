"""The core's enums as enums of the schema, each value with its words.

Annotate fields and arguments with the ones from here: Strawberry would take an enum without words as it is.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry

from app.access import Role as ProjectRole
from app.chats.listing import MessageRole
from app.chats.model import ChatKind
from app.chats.news import ChatNewsType
from app.chats.parts import AnswerStatus, SlotStatus
from app.diagnostics.results import ProbeStatus
from app.diagnostics.suites import Suite
from app.dreams.archive_format import ExportFormat
from app.dreams.batching import DreamFilter
from app.dreams.parts import DreamStatus
from app.dreams.parts import Part as DreamPart
from app.errors import ErrorCode
from app.generations.attempts import Outcome
from app.generations.events import EventType
from app.generations.model import Status
from app.generations.spending import UsagePeriod
from app.ornaments.asked import ModelType
from app.ornaments.gallery import ImageOrder
from app.ornaments.model import OrnamentKind
from app.providers.ports.model import Source

__all__ = [
    "AnswerStatus",
    "ChatKind",
    "ChatNewsType",
    "DreamFilter",
    "DreamPart",
    "DreamStatus",
    "ErrorCode",
    "EventType",
    "ExportFormat",
    "ImageOrder",
    "MessageRole",
    "ModelType",
    "OrnamentKind",
    "Outcome",
    "ProbeStatus",
    "ProjectRole",
    "SlotStatus",
    "Source",
    "Status",
    "Suite",
    "UsagePeriod",
]


def _describe[E: Enum](values: type[E], name: str, description: str, words: Mapping[E, str]) -> None:
    """Make an enum of the core one of the schema under that name; a value without words is a KeyError."""
    made: Any = strawberry.enum(values, name=name, description=description)
    for value in made.__strawberry_definition__.values:
        value.description = words[values[value.name]]


_describe(
    ErrorCode,
    "ErrorCode",
    "What went wrong, for programs.",
    {
        ErrorCode.UNAUTHENTICATED: "Nobody is logged in, or the token is not accepted: log in, or refresh the session.",
        ErrorCode.FORBIDDEN: "It is somebody else's, your role in its project does not allow it, or it is for "
        "administrators.",
        ErrorCode.NOT_FOUND: "It does not exist.",
        ErrorCode.BAD_USER_INPUT: "An argument is wrong; the message says what is expected.",
        ErrorCode.CONFLICT: "It contradicts what is there: an address in use, an idempotency key used before, "
        "a cancel that comes too late.",
        ErrorCode.RATE_LIMITED: "Too many; the message says when to come back.",
        ErrorCode.QUOTA_EXCEEDED: "A quota or a budget is used up.",
        ErrorCode.QUERY_TOO_COMPLEX: "The operation is too large: split it.",
        ErrorCode.PROVIDER_NOT_CONFIGURED: "The provider that it needs is not set up on this server.",
        ErrorCode.PROVIDER_REJECTED_KEY: "The provider does not accept this server's key.",
        ErrorCode.PROVIDER_UNAVAILABLE: "The provider fails or can't be reached.",
        ErrorCode.CONTENT_BLOCKED: "The provider refuses to make this.",
        ErrorCode.NO_IMAGE_RETURNED: "The provider answered without a usable picture.",
        ErrorCode.TEXT_INSTEAD_OF_IMAGE: "The model answered in words alone, which the message quotes: it asks, or "
        "explains why there is no picture.",
        ErrorCode.INVALID_ANSWER: "The provider's answer was cut off, or is not what was asked for.",
        ErrorCode.SOURCE_IMAGE_MISSING: "A picture that it is made from is gone.",
        ErrorCode.TIMEOUT: "It took too long.",
        ErrorCode.UNAVAILABLE: "This server can't do it now.",
        ErrorCode.INTERNAL: "Something went wrong on our side; it is logged under the request's id.",
    },
)
_describe(
    Status,
    "GenerationStatus",
    "Where a generation stands; the last three are ends.",
    {
        Status.QUEUED: "It waits for its first attempt.",
        Status.RUNNING: "A worker is on it, or was: then it waits for its next attempt, no sooner than `notBefore`.",
        Status.SUCCEEDED: "Its result is there.",
        Status.FAILED: "Its `failure` says why.",
        Status.CANCELLED: "It was called off.",
    },
)
_describe(
    Outcome,
    "AttemptOutcome",
    "How an attempt, or one call to a provider, ended.",
    {
        Outcome.SUCCEEDED: "It made what it should.",
        Outcome.FAILED: "It failed; its `code` says why.",
        Outcome.CANCELLED: "It was called off; a call: cut off, for whatever reason.",
        Outcome.GIVEN_BACK: "Its worker was told to stop and gave it back to the queue.",
        Outcome.LEASE_LOST: "Its worker was never heard of again; another one took over.",
    },
)
_describe(
    EventType,
    "GenerationEventType",
    "What happened in a generation.",
    {
        EventType.QUEUED: "It was accepted and waits for a worker: the first event.",
        EventType.STARTED: "A worker has begun an attempt.",
        EventType.STAGE: "The work has come to a named stage.",
        EventType.PREVIEW: "The work shows a `preview` of its result.",
        EventType.TEXT: "The work shows the `text` that it is writing, as far as it is written.",
        EventType.RETRYING: "The attempt ended without a result, and the next one begins at `retryAt` (null: at once): "
        "it failed, as the message says, or its worker was told to stop.",
        EventType.CANCEL_REQUESTED: "Somebody cancelled it and its worker was told; the end follows.",
        EventType.SUCCEEDED: "The end: its result is there; with a message when a cancel came too late.",
        EventType.FAILED: "The end: the message says why.",
        EventType.CANCELLED: "The end: it was called off.",
        EventType.SNAPSHOT: "Nothing new: how it stands, under the number of its latest event. Only in `viewerEvents`.",
    },
)
_describe(
    OrnamentKind,
    "OrnamentKind",
    "What was made of the photo.",
    {
        OrnamentKind.WHITE_BACKGROUND: "The ornament alone, on white or a named colour.",
        OrnamentKind.BACKGROUND_CHANGE: "The ornament before another background: a picture, a colour, or words.",
        OrnamentKind.MODEL_WITH_ORNAMENT: "A close-up of an AI model who wears it.",
        OrnamentKind.REAL_MODEL_WITH_ORNAMENT: "The person of a photo wears it.",
        OrnamentKind.CAMPAIGN_SHOT_ADVANCED: "One advertising picture of several ornaments, worn by a model.",
    },
)
_describe(
    ModelType,
    "ModelType",
    "Who wears the jewellery of a campaign.",
    {ModelType.AI_MODEL: "A person that the AI makes up.", ModelType.REAL_MODEL: "The person of `modelImage`."},
)
_describe(
    Source,
    "Source",
    "Who really made a result.",
    {
        Source.PROVIDER: "A provider's model.",
        Source.LOCAL: "Basic processing on this server.",
        Source.MOCK: "A placeholder: nothing was made.",
    },
)
_describe(
    UsagePeriod,
    "UsagePeriod",
    "A number of days, which begin at midnight UTC.",
    {
        UsagePeriod.TODAY: "Since midnight.",
        UsagePeriod.LAST_7_DAYS: "Today and the six days before.",
        UsagePeriod.LAST_30_DAYS: "Today and the 29 days before.",
    },
)
_describe(
    ImageOrder,
    "ImageOrder",
    "How a gallery is laid out.",
    {
        ImageOrder.NEWEST: "What was asked for last comes first.",
        ImageOrder.OLDEST: "What was asked for first comes first.",
    },
)
_describe(
    DreamStatus,
    "DreamStatus",
    "How far a dream has come.",
    {
        DreamStatus.PROCESSING: "Something is being made of it.",
        DreamStatus.READY: "Its interpretation and its picture are there.",
        DreamStatus.READY_WITHOUT_PICTURE: "Its interpretation is there, a picture is not.",
        DreamStatus.FAILED: "There is no interpretation: its `failure` says why; null when the work was called off.",
    },
)
_describe(
    DreamPart,
    "DreamPart",
    "What is made of a dream.",
    {
        DreamPart.INTERPRETATION: "Narrative, meaning, symbols, emotions and a title.",
        DreamPart.PICTURE: "The illustration, drawn from the interpretation.",
    },
)
_describe(
    DreamFilter,
    "DreamFilter",
    "Which dreams to make anew; those in the trash, and those that something is being made of, are never among them.",
    {
        DreamFilter.FAILED: "Those that are FAILED.",
        DreamFilter.MISSING_INTERPRETATION: "Those without an interpretation.",
        DreamFilter.MISSING_PICTURE: "Those without a picture.",
        DreamFilter.OLDER_MODEL: "Those of which a part was made by another model than the one that would "
        "make it by this call; of `parts`, if they are given. Work of a provider's model is never older than that of a "
        "stand-in of this server.",
    },
)
_describe(
    ExportFormat,
    "DreamExportFormat",
    "How an archive tells of dreams.",
    {
        ExportFormat.JSON: "For programs: one `dreams.json`.",
        ExportFormat.MARKDOWN: "For people: a page for each dream, and an index.",
    },
)
_describe(
    ProjectRole,
    "ProjectRole",
    "What somebody may do in a project; each may all that those before it may.",
    {
        ProjectRole.VIEWER: "See everything in it, and follow it live.",
        ProjectRole.EDITOR: "Send messages, make frames and contexts, change and remove them.",
        ProjectRole.OWNER: "Invite and remove members, delete the project. All that is made in it is the owner's, "
        "its costs too.",
    },
)
_describe(
    ChatKind,
    "ChatKind",
    "Whose chat it is.",
    {
        ChatKind.MAIN: "The project's own.",
        ChatKind.FRAME: "A frame's.",
        ChatKind.CONTEXT: "A context's.",
    },
)
_describe(
    ChatNewsType,
    "ChatEventType",
    "What a `ChatEvent` tells.",
    {
        ChatNewsType.SNAPSHOT: "How something stood when you subscribed: messages whose answer is under way or was "
        "changed since `since`, and the work on them or on an image. The last one, with neither, is of the chat.",
        ChatNewsType.MESSAGE: "Messages are new, or were changed: show them as they are now.",
        ChatNewsType.CHAT: "The chat was changed: another branch may be shown, so read its `messages` again.",
        ChatNewsType.WORK: "Something happened in the work on an answer, or on an image of the chat: `event` says "
        "what.",
    },
)
_describe(
    MessageRole,
    "ChatMessageRole",
    "Whose a message is.",
    {
        MessageRole.USER: "Somebody's who works on the project.",
        MessageRole.ASSISTANT: "The answer to it: its images.",
    },
)
_describe(
    AnswerStatus,
    "ChatMessageStatus",
    "How far an answer has come.",
    {
        AnswerStatus.PROCESSING: "Its images are being made.",
        AnswerStatus.READY: "All its images are there.",
        AnswerStatus.PARTIAL: "Some of its images are there, as was allowed: `retryMessageImages` makes the others.",
        AnswerStatus.FAILED: "It has no images, and its `failure` says why: `retryMessageImages` makes them.",
        AnswerStatus.CANCELLED: "It was called off; its prompt is kept, and `retryMessageImages` makes its images.",
    },
)
_describe(
    SlotStatus,
    "MessageImageStatus",
    "How far one image of an answer has come.",
    {
        SlotStatus.PENDING: "It is being made, or waits for the others.",
        SlotStatus.READY: "It is there.",
        SlotStatus.FAILED: "It is not there; its `failure` says why, null when the work was called off.",
    },
)
_describe(
    Suite,
    "DiagnosticsSuite",
    "A number of tests that are made together.",
    {
        Suite.PROVIDERS: "Each model that is set up is asked once, as it is: text, image, vision, modification.",
        Suite.FULL_FLOW: "What people do, the way they do it: the configuration, generations, the whole flow.",
    },
)
_describe(
    ProbeStatus,
    "DiagnosticsTestStatus",
    "Where a test stands; the last three are ends.",
    {
        ProbeStatus.WAITING: "Its turn has not come.",
        ProbeStatus.RUNNING: "It is being made.",
        ProbeStatus.PASSED: "All went well.",
        ProbeStatus.FAILED: "It went wrong; its `message` says how.",
        ProbeStatus.SKIPPED: "It was not made; its `message` says why.",
    },
)
