"""Whether what an archive says of a tree fits together: nothing of it is believed before."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from beanie import PydanticObjectId
from pydantic import ValidationError

from app.archives.bounded_json import values_in
from app.archives.directory import refused
from app.archives.pictures import ENDINGS, file_of
from app.archives.reading import OpenedArchive
from app.errors import AppError
from app.labels import as_tag, plain
from app.lineage.wishes import COMBINED_MAX_CHARACTERS, combined
from app.ornaments.archive_format import (
    FORMAT,
    LINEAGE,
    PICTURES_MAX,
    VERSION,
    VERSIONS_MAX,
    VOTES_MAX,
    ArchivedLineage,
    ArchivedNode,
    ArchivedVersion,
)
from app.pictures.colours import parse_colour

_PICTURE: Final = "pictures/"
_MOST: Final = (
    ("versions", VERSIONS_MAX),
    ("deleted", VERSIONS_MAX),
    ("votes", VOTES_MAX),
    ("pictures", PICTURES_MAX),
)

type Nodes = Mapping[PydanticObjectId, ArchivedNode]


def lineage_in(archive: OpenedArchive) -> ArchivedLineage:
    """The tree of an archive, all of which fits together; blocks: call it in a thread.

    Raises:
        AppError: BAD_USER_INPUT that says what is wrong.
    """
    lineage = _format_of(_values_in(archive))
    nodes = _nodes(lineage)
    _check_places(lineage, nodes)
    for version in lineage.versions:
        _check_words(version, nodes)
    _check_choices(lineage, nodes)
    _check_pictures(lineage, archive.names)
    return lineage


def _values_in(archive: OpenedArchive) -> Any:
    try:
        return values_in(archive.read(LINEAGE))
    except ValueError as error:
        raise _wrong("the file", str(error)[:200]) from error


def _format_of(values: Any) -> ArchivedLineage:
    _check_numbers(values)
    try:
        return ArchivedLineage.model_validate(values)
    except ValidationError as error:
        raise _unlike(error) from error


def _wrong(place: str, message: str) -> AppError:
    return refused(f"{LINEAGE}, {place}: {message}")


def _unlike(error: ValidationError) -> AppError:
    """The first thing that is not of the format."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part)[:40] for part in first["loc"]) or "the file"
    if place in {"format", "version"}:
        known = f"{FORMAT}, version {VERSION}"
        return refused(f"{LINEAGE} is not of the format that this server knows ({known}): it may be of a later one.")
    return _wrong(place, first["msg"][:200])


def _check_numbers(values: Any) -> None:
    """Before anything is made of what there is too much of."""
    for name, most in _MOST:
        told: Any = values.get(name) if isinstance(values, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - it may be anything
        count = len(told) if isinstance(told, list) else 0  # pyright: ignore[reportUnknownArgumentType] - the same
        if count > most:
            raise _wrong(name, f"there are {count:,}; at most {most:,} are taken.")


def _nodes(lineage: ArchivedLineage) -> Nodes:
    """Everything that has a place in the tree, by id."""
    found = dict[PydanticObjectId, ArchivedNode]()
    for node in lineage.nodes:
        if node.id in found:
            raise _wrong(str(node.id), "this id is there twice.")
        found[node.id] = node
    return found


def _check_places(lineage: ArchivedLineage, nodes: Nodes) -> None:
    """One root, and everything else one deeper than its parent: so there is no circle."""
    for node in nodes.values():
        if node.parent_id is None:
            if node.id != lineage.root_id or node.depth:
                raise _wrong(str(node.id), "only the root has no parent, and it is at depth 0.")
            continue
        parent = nodes.get(node.parent_id)
        if parent is None:
            raise _wrong(str(node.id), "its parent is neither among the versions nor among the deleted.")
        if node.depth != parent.depth + 1:
            raise _wrong(str(node.id), "its depth does not agree with its parent's.")
    if lineage.root_id not in nodes:
        raise _wrong("rootId", "this id is neither among the versions nor among the deleted.")


def _check_words(version: ArchivedVersion, nodes: Nodes) -> None:
    place = str(version.id)
    parent = nodes.get(version.parent_id) if version.parent_id else None
    inherited = parent.prompts if isinstance(parent, ArchivedVersion) else ()
    if version.prompts[: len(inherited)] != inherited:
        raise _wrong(place, "its prompts don't begin with its parent's.")
    if len(version.prompts) > 2 * (version.depth + 1):
        raise _wrong(place, "it has more prompts than a version of its depth.")
    if version.combined_prompt != combined(*version.prompts) or len(version.combined_prompt) > COMBINED_MAX_CHARACTERS:
        most = f"{COMBINED_MAX_CHARACTERS:,} characters at most"
        raise _wrong(place, f"its combinedPrompt is not its prompts, {most}, joined by a full stop and a space.")
    if version.background_color is not None:
        _check_colour(place, version.background_color)
    if version.name is not None and version.name != plain(version.name):
        raise _wrong(place, "its name has something in it that can't be seen.")
    if len(set(version.tags)) < len(version.tags) or any(tag != _tag(place, tag) for tag in version.tags):
        raise _wrong(place, "its tags are not trimmed, not in lower case, or there twice.")


def _check_colour(place: str, colour: str) -> None:
    try:
        parse_colour(colour)
    except AppError as error:
        raise _wrong(place, error.message) from error


def _tag(place: str, text: str) -> str:
    try:
        return as_tag(text)
    except AppError as error:
        raise _wrong(place, error.message) from error


def _check_choices(lineage: ArchivedLineage, nodes: Nodes) -> None:
    """The promoted version is there, and votes are between siblings, one a pair."""
    versions = {version.id: version for version in lineage.versions}
    if lineage.promoted_id is not None and lineage.promoted_id not in versions:
        raise _wrong("promotedId", "this version is not among the versions.")
    pairs = set[frozenset[PydanticObjectId]]()
    for place, vote in enumerate(lineage.votes):
        winner, loser = nodes.get(vote.winner_id), nodes.get(vote.loser_id)
        pair = frozenset((vote.winner_id, vote.loser_id))
        siblings = winner and loser and winner.parent_id is not None and winner.parent_id == loser.parent_id
        if not siblings or len(pair) == 1 or pair in pairs:
            raise _wrong(f"votes.{place}", "votes are between two versions made from the same one, one a pair.")
        pairs.add(pair)


def _check_pictures(lineage: ArchivedLineage, names: Collection[str]) -> None:
    """The files that are named are there, those that are there are named, and each of them is of a version."""
    told = Counter(picture.sha256 for picture in lineage.pictures)
    _check_files(lineage, told, names)
    used = set(_used(lineage))
    if unknown := used - set(told):
        raise _wrong("pictures", f"{min(unknown)} is missing, which a version shows or was made from.")
    if unused := set(told) - used:
        raise _wrong("pictures", f"{min(unused)} is of no version.")
    if all(version.picture is None for version in lineage.versions):
        raise _wrong("versions", "none of them has a picture.")


def _check_files(lineage: ArchivedLineage, told: Mapping[str, int], names: Collection[str]) -> None:
    for picture in lineage.pictures:
        if told[picture.sha256] > 1:
            raise _wrong("pictures", f"{picture.sha256} is there twice.")
        if picture.file != file_of(picture.sha256, ENDINGS[picture.media_type]):
            raise _wrong("pictures", f"{picture.sha256} is not in the file of its name and type.")
        if picture.file not in names:
            raise refused(f"The archive has no {picture.file}, which {LINEAGE} names.")
    named = {picture.file for picture in lineage.pictures}
    for name in sorted(names):
        if name.startswith(_PICTURE) and not name.endswith(".json") and name not in named:
            raise refused(f"{name} is not named in {LINEAGE}.")


def _used(lineage: ArchivedLineage) -> Iterator[str]:
    for version in lineage.versions:
        if version.picture is not None:
            yield version.picture
        yield from (source.picture for source in version.sources)
