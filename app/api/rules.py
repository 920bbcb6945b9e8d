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
from app.api.rule import PUBLIC, SIGNED_IN, Named, Refusal, Rule, naming, own, picture, project

_TRASH = naming(own("input.ids", "OrnamentImage", "Dream"))
_IMAGE = naming(own("input.imageId", "OrnamentImage"))
_REGENERATE = naming(own("input.imageId", "OrnamentImage"), own("input.templateId", "Template"))
_REGENERATE_MANY = naming(own("input.ids", "OrnamentImage", refusal=Refusal.ITEM), own("input.templateId", "Template"))
_PHOTOS: Mapping[str, Rule] = MappingProxyType(
    {
        "uploadOrnament": naming(picture("input.image")),
        "changeBackground": naming(picture("input.ornamentImage"), picture("input.backgroundImage")),
        "generateModelWithOrnament": naming(picture("input.ornamentImage"), picture("input.poseStyle")),
        "generateRealModelWithOrnament": naming(
            picture("input.modelImage"), picture("input.ornamentImage"), picture("input.poseStyle")
        ),
        "generateCampaignShot": naming(
            picture("input.ornamentImages"), picture("input.modelImage"), picture("input.themeImages")
        ),
    }
)


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
        "Dream": Role.OWNER,
        "DreamVersion": Role.OWNER,
        "Generation": Role.VIEWER,
        "OrnamentImage": Role.OWNER,
        "Picture": Role.OWNER,
        "Template": Role.OWNER,
        "User": Role.OWNER,
        "Viewer": Role.OWNER,
    }
)
"""What `node` shows, by its type, and the role in its project that it takes."""

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "node": naming(*(project(role, "id", one, refusal=Refusal.HIDDEN) for one, role in NODES_SEEN_BY.items())),
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
