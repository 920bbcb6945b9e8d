"""Who may use what of the schema: a rule for every field of its roots, and for every argument that names a thing.

The roots are the only way in, so that these rules are all there is to decide:

- Each root field asks who calls, before anything of it runs (`enforcing`). One without a rule here takes a log-in.
- An argument that takes an id says which types it may name, and which role in the thing's project that takes. What may
  be of a project and is of none is its owner's alone, and the role of an owner means that it always is. The check is
  made by `app.access`, in the use case that reads the thing; the rule says what it comes to.
- A field below the roots has no rule, and makes no check: it shows what its parent holds, and who was shown the parent
  may see that. So a member of a project sees the picture of an image that is in it, which `node` shows to its owner
  alone. A field that takes an id reads what its parent does not hold: it has a rule, as `Viewer.compareImages`, and
  goes through `app.access` as a root field does.

The tests hold this to the schema (`tests/api/test_rules.py`), and try every rule as everybody
(`tests/api/test_access.py`). A new operation adds a line to `RULES`, a new type with an id one to `NODES_SEEN_BY`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from app.access import Role
from app.api.rule import (
    ADMINISTRATOR,
    PUBLIC,
    SIGNED_IN,
    Named,
    Refusal,
    Rule,
    administrating,
    anybodys,
    naming,
    own,
    picture,
    project,
)

_TRASH = naming(own("input.ids", "OrnamentImage", "ChatImage", "Dream", "Project", "Frame", "Context"))
_IMAGE = naming(own("input.imageId", "OrnamentImage"))
_TEMPLATE = own("input.templateId", "Template")
_REGENERATE = naming(
    own("input.imageId", "OrnamentImage"), project(Role.EDITOR, "input.imageId", "ChatImage"), _TEMPLATE
)
_REGENERATE_MANY = naming(own("input.ids", "OrnamentImage", refusal=Refusal.ITEM), _TEMPLATE)
_PHOTOS: Mapping[str, Rule] = MappingProxyType(
    {
        "uploadOrnament": naming(*picture("input.image")),
        "changeBackground": naming(*picture("input.ornamentImage"), *picture("input.backgroundImage")),
        "generateModelWithOrnament": naming(*picture("input.ornamentImage"), *picture("input.poseStyle")),
        "generateRealModelWithOrnament": naming(
            *picture("input.modelImage"), *picture("input.ornamentImage"), *picture("input.poseStyle")
        ),
        "generateCampaignShot": naming(
            *picture("input.ornamentImages"), *picture("input.modelImage"), *picture("input.themeImages")
        ),
    }
)
_REFERENCES = (
    own("input.contextImageIds", "OrnamentImage", "Picture", refusal=Refusal.INVALID),
    project(Role.VIEWER, "input.contextImageIds", "ChatImage", refusal=Refusal.INVALID),
)
_RUN = administrating(own("generationId", "Generation", refusal=Refusal.HIDDEN))


def _editing(path: str, type_name: str, *names: Named) -> Rule:
    return naming(project(Role.EDITOR, path, type_name), *names)


def _owning(*names: Named) -> Rule:
    return naming(project(Role.OWNER, "input.projectId", "Project"), *names)


def _estimates() -> Iterable[Named]:
    """What an estimate may name: whatever the mutation may whose input it is; of many images others' are left out."""
    for mutation, rule in {**_PHOTOS, "regenerateImage": _REGENERATE, "regenerateImages": _REGENERATE_MANY}.items():
        for named in rule.names:
            refusal = Refusal.LEFT_OUT if named.refusal is Refusal.ITEM else named.refusal
            yield replace(named.under(mutation), refusal=refusal)


NODES_SEEN_BY: Mapping[str, Role] = MappingProxyType(
    {
        "Archive": Role.OWNER,
        "Batch": Role.OWNER,
        "Chat": Role.VIEWER,
        "ChatImage": Role.VIEWER,
        "ChatMessage": Role.VIEWER,
        "Context": Role.VIEWER,
        "DiagnosticsRun": Role.OWNER,
        "Dream": Role.OWNER,
        "DreamVersion": Role.OWNER,
        "Frame": Role.VIEWER,
        "Generation": Role.VIEWER,
        "Invitation": Role.OWNER,
        "OrnamentImage": Role.OWNER,
        "Picture": Role.OWNER,
        "Project": Role.VIEWER,
        "Template": Role.OWNER,
        "User": Role.OWNER,
        "Viewer": Role.OWNER,
    }
)
"""What `node` shows, by its type, and the role in its project that it takes."""

NODES_OF_ADMINISTRATORS = frozenset({"DiagnosticsRun"})
"""What `node` shows of them to its owner only while they are an administrator."""


def _nodes(path: str) -> Rule:
    return naming(*(project(role, path, one, refusal=Refusal.HIDDEN) for one, role in NODES_SEEN_BY.items()))


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "node": _nodes("id"),
        "nodes": _nodes("ids"),
        "viewer": SIGNED_IN,
        "Viewer.compareImages": naming(own("a", "OrnamentImage"), own("b", "OrnamentImage")),
        # accounts
        "signUp": PUBLIC,
        "logIn": PUBLIC,
        "refreshSession": PUBLIC,
        "logOut": PUBLIC,
        "deleteAccount": SIGNED_IN,
        # generations
        "generation": naming(project(Role.VIEWER, "id", "Generation", refusal=Refusal.HIDDEN)),
        "generationProgress": naming(project(Role.VIEWER, "id", "Generation", refusal=Refusal.HIDDEN)),
        "viewerEvents": SIGNED_IN,
        "cancelGeneration": naming(project(Role.EDITOR, "input.id", "Generation")),
        "retryGeneration": naming(project(Role.EDITOR, "input.id", "Generation")),
        "replayGeneration": naming(own("input.generationId", "Generation")),
        # batches
        "batchProgress": naming(own("id", "Batch", refusal=Refusal.HIDDEN)),
        "retryBatch": naming(own("input.id", "Batch")),
        "cancelBatch": naming(own("input.id", "Batch")),
        # ornaments
        **_PHOTOS,
        "estimate": naming(*_estimates()),
        "regenerateImage": _REGENERATE,
        "regenerateImages": _REGENERATE_MANY,
        "favouriteImage": _IMAGE,
        "renameImage": _IMAGE,
        "tagImage": _IMAGE,
        "promoteImage": _IMAGE,
        "vote": naming(own("input.winnerId", "OrnamentImage"), own("input.loserId", "OrnamentImage")),
        "exportLineage": _IMAGE,
        "importLineage": SIGNED_IN,
        # pictures
        "uploadPicture": naming(*picture("input.picture")),
        "useAsOrnament": naming(project(Role.VIEWER, "input.imageId", "ChatImage")),
        # projects
        "createProject": naming(*picture("input.contextPictures")),
        "updateProject": _editing("input.projectId", "Project", *picture("input.contextPictures")),
        "deleteProject": _owning(),
        "createFrame": _editing("input.projectId", "Project"),
        "updateFrame": _editing("input.frameId", "Frame"),
        "deleteFrame": _editing("input.frameId", "Frame"),
        "reorderFrames": _editing("input.projectId", "Project", anybodys("input.frameIds", "Frame")),
        "setFramePicture": _editing("input.frameId", "Frame", anybodys("input.imageId", "ChatImage")),
        "createContext": _editing("input.projectId", "Project", *picture("input.pictures")),
        "updateContext": _editing("input.contextId", "Context", *picture("input.pictures")),
        "deleteContext": _editing("input.contextId", "Context"),
        # members
        "inviteToProject": _owning(),
        "acceptInvitation": SIGNED_IN,
        "revokeInvitation": naming(project(Role.OWNER, "input.invitationId", "Invitation")),
        "changeRole": _owning(anybodys("input.userId", "User")),
        "removeMember": _owning(anybodys("input.userId", "User")),
        # chats
        "chatEvents": naming(project(Role.VIEWER, "chatId", "Chat", refusal=Refusal.HIDDEN)),
        "sendMessage": _editing("input.chatId", "Chat", *_REFERENCES, _TEMPLATE),
        "editAndResend": _editing("input.messageId", "ChatMessage", *_REFERENCES),
        "regenerateMessage": _editing("input.messageId", "ChatMessage"),
        "retryMessageImages": _editing("input.messageId", "ChatMessage"),
        "chooseBranch": _editing("input.messageId", "ChatMessage"),
        # diagnostics
        "diagnostics": _RUN,
        "diagnosticsUpdates": _RUN,
        "runDiagnostics": ADMINISTRATOR,
        # dreams
        "dreamUpdates": naming(own("dreamId", "Dream", refusal=Refusal.HIDDEN)),
        "recordDream": SIGNED_IN,
        "updateDream": naming(own("input.dreamId", "Dream")),
        "regenerateDream": naming(own("input.dreamId", "Dream")),
        "regenerateDreams": naming(own("input.ids", "Dream", refusal=Refusal.ITEM)),
        "restoreVersion": naming(own("input.versionId", "DreamVersion")),
        "exportDreams": SIGNED_IN,
        # templates
        "createTemplate": SIGNED_IN,
        "updateTemplate": naming(own("input.id", "Template")),
        "deleteTemplate": naming(own("input.id", "Template")),
        # the trash
        "moveToTrash": _TRASH,
        "restore": _TRASH,
        "deleteForever": _TRASH,
    }
)
"""By the field's name at its root, or by `Type.field` below."""
