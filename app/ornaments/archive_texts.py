"""The texts of an exported tree: what is written beside its pictures, for programs and for people."""

from typing import Final

from app.archives.pictures import ArchivedPicture, sidecar_of
from app.archives.writing import Entry
from app.ornaments.archive_format import LINEAGE, README, VERSION, VERSIONS_MAX, ArchivedLineage

_README: Final = f"""\
This archive holds a lineage of images that Regen exported: a first image and everything that was made from it.

pictures/HASH.jpg|png|webp   each picture, byte for byte as it was stored; HASH is the SHA-256 of the file
pictures/HASH.json           how that picture was made: the image it belongs to, its words, provider, model, cost
lineage.json                 the whole tree, for programs; format "regen.lineage", version {VERSION}

A provider may have signed the provenance of a picture (C2PA). Nothing here was ever written into a picture, so that
such a signature is still good; what Regen knows of a picture is in the file beside it.

lineage.json:
  rootId        the first version; it may be one of `deleted`
  promotedId    the chosen version, null without one
  versions      id, parentId, depth (0 for the root); kind, source (PROVIDER: a model made it, LOCAL: basic processing,
                MOCK: a placeholder); prompts (the instruction and each wish, oldest first), combinedPrompt (the same in
                one text), originalPrompt (the root's); picture and sources (hashes; null: it was lost before the
                export); name, favourite, tags; createdAt, trashedAt (null: not in the trash); generation: task,
                provider, model, parameters, template with its revision, pictures that the model got, attempts, calls
                with usage and cost (in millionths of the currency), null when it is not known
  deleted       ids of versions that were deleted for ever while others descend from them
  votes         between two versions made from the same one
  pictures      the files, with type and size

Ids are those of the server that made the archive. `importLineage` of any Regen reads it back (at most {VERSIONS_MAX:,}
versions), under new ids. Times are in UTC.
"""


def readme() -> Entry:
    """For people."""
    return Entry(README, _README.encode())


def lineage(tree: ArchivedLineage) -> Entry:
    """The whole tree."""
    return Entry.of_json(LINEAGE, tree.model_dump(mode="json", by_alias=True))


def sidecar(tree: ArchivedLineage, picture: ArchivedPicture) -> Entry:
    """How a picture was made: what the tree says of the versions that show it or were made from it."""
    shown_by = [version for version in tree.versions if version.picture == picture.sha256]
    roles = {source.role for version in tree.versions for source in version.sources if source.picture == picture.sha256}
    told = {
        "format": "regen.picture",
        "version": VERSION,
        "picture": picture.model_dump(mode="json", by_alias=True),
        "madeAs": [version.model_dump(mode="json", by_alias=True) for version in shown_by],
        "sourceOf": {"rootId": str(tree.root_id), "roles": sorted(roles)} if roles else None,
    }
    return Entry.of_json(sidecar_of(picture.sha256), told)
