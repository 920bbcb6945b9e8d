"""The format of an exported tree: what `lineage.json` says, and what lies beside it.

It is public: the README that every archive holds describes it. A change that an importer has to know of raises
`VERSION`.
"""

import re
from typing import Annotated, Final, Literal

from beanie import PydanticObjectId
from pydantic import Field

from app.archives.directory import Form
from app.archives.pictures import Archived, ArchivedPicture, Sha256
from app.generations.provenance import Moment, Provenance
from app.labels import TAG_MAX_CHARACTERS, TAGS_MAX
from app.lineage.wishes import PROMPT_MAX_CHARACTERS
from app.ornaments.asked import ModelType, Role
from app.ornaments.labels import NAME_MAX_CHARACTERS
from app.ornaments.model import OrnamentKind
from app.ornaments.words import MEASUREMENTS_MAX_CHARACTERS
from app.pictures.received import MAX_BYTES
from app.providers.ports.model import Source

FORMAT: Final = "regen.lineage"
VERSION: Final = 1
LINEAGE: Final = "lineage.json"
README: Final = "README.txt"
VERSIONS_MAX: Final = 1_000
VOTES_MAX: Final = 10_000
PICTURES_MAX: Final = 3 * VERSIONS_MAX
"""What a version shows, and a few that its root was made from."""
SOURCES_MAX: Final = 20
_TEXT_BYTES: Final = 16_000_000
FORMS: Final = (
    Form(re.compile(re.escape(README)), 100_000),
    Form(re.compile(re.escape(LINEAGE)), _TEXT_BYTES),
    Form(re.compile(r"pictures/[0-9a-f]{64}\.(jpg|png|webp)"), MAX_BYTES),
    Form(re.compile(r"pictures/[0-9a-f]{64}\.json"), _TEXT_BYTES),
)
"""The names of all entries there are, and how large each may be."""

type _Prompt = Annotated[str, Field(min_length=1, max_length=PROMPT_MAX_CHARACTERS)]
type _Sum = Annotated[str, Field(max_length=3 * PROMPT_MAX_CHARACTERS)]
type _Note = Annotated[str, Field(max_length=1_000)]
type _Depth = Annotated[int, Field(ge=0, le=2**31 - 1)]


class ArchivedSource(Archived):
    """A picture that the root was made from."""

    role: Role
    picture: Sha256
    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX_CHARACTERS)] | None


class ArchivedNode(Archived):
    """A place in the tree: 0 is the depth of the root, which has no parent."""

    id: PydanticObjectId
    parent_id: PydanticObjectId | None
    depth: _Depth


class ArchivedVersion(ArchivedNode):
    """An image; `picture` is the hash of what it shows, null when that was lost before the export.

    `generation` is how it was made, null when that is not known. `prompts` are the instruction and each wish, oldest
    first; `combined_prompt` is the same in one text.
    """

    kind: OrnamentKind
    source: Source
    prompts: Annotated[tuple[_Prompt, ...], Field(min_length=1, fail_fast=True)]
    combined_prompt: str
    original_prompt: _Sum
    background_color: Annotated[str, Field(max_length=PROMPT_MAX_CHARACTERS)] | None
    measurements: Annotated[str, Field(max_length=MEASUREMENTS_MAX_CHARACTERS)] | None
    model_type: ModelType | None
    picture: Sha256 | None
    sources: Annotated[tuple[ArchivedSource, ...], Field(max_length=SOURCES_MAX, fail_fast=True)]
    applied: Annotated[tuple[_Note, ...], Field(max_length=100, fail_fast=True)]
    note: _Note | None
    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX_CHARACTERS)] | None
    favourite: bool
    tags: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=TAG_MAX_CHARACTERS)], ...],
        Field(max_length=TAGS_MAX, fail_fast=True),
    ]
    created_at: Moment
    trashed_at: Moment | None
    generation: Provenance | None


class ArchivedGap(ArchivedNode):
    """A version that was deleted for ever while others descend from it."""


class ArchivedVote(Archived):
    """Which of two siblings was found better."""

    winner_id: PydanticObjectId
    loser_id: PydanticObjectId
    voted_at: Moment


class ArchivedLineage(Archived):
    """`lineage.json`: a whole tree, whose root may be one of those `deleted`; everything in the order of ids.

    Here as in all of the format a list stops at the first of it that is wrong: each error takes memory.
    """

    format: Literal["regen.lineage"] = FORMAT
    version: Literal[1] = VERSION
    root_id: PydanticObjectId
    promoted_id: PydanticObjectId | None
    versions: Annotated[tuple[ArchivedVersion, ...], Field(min_length=1, fail_fast=True)]
    deleted: Annotated[tuple[ArchivedGap, ...], Field(fail_fast=True)]
    votes: Annotated[tuple[ArchivedVote, ...], Field(fail_fast=True)]
    pictures: Annotated[tuple[ArchivedPicture, ...], Field(fail_fast=True)]

    @property
    def nodes(self) -> tuple[ArchivedNode, ...]:
        """Everything that has a place in the tree."""
        return (*self.versions, *self.deleted)
