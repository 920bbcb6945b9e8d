"""Operations that are sent by their id instead of their text: trusted documents, and those that came before."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self, cast

from app.api.execution.kept import Kept
from app.errors import AppError, ErrorCode

_NOT_FOUND: Final = "PersistedQueryNotFound"
"""The message by which Apollo's and urql's clients know that they have to send the text."""

MAX_CHARACTERS: Final = 200_000
"""Of an operation's text, however few tokens are in it: reading more takes too long."""


_REGISTERED_MAX: Final = 2_000_000
"""Characters of the texts that are registered."""


class DocumentsError(Exception):
    """The file of trusted documents can't be used; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """The texts by their ids; each is also known by the SHA-256 of its text. `only`: no other operation may run.

    Otherwise what comes with its SHA-256 is registered, and may come by that alone from then on, until others take its
    place: Apollo's automatic persisted queries.
    """

    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    only: bool = False
    _registered: Kept[str, str] = field(default_factory=lambda: Kept[str, str](_REGISTERED_MAX), repr=False)

    @classmethod
    def read(cls, path: Path, *, only: bool = False) -> Self:
        """Those of a JSON file: `{id: text}`, or Apollo's manifest, `{"operations": [{"id", "body"}]}`.

        Raises:
            DocumentsError: it can't be read, or holds something else.
        """
        try:
            texts = dict(_texts(json.loads(path.read_bytes())))
        except (OSError, ValueError, RecursionError) as error:
            raise DocumentsError(f"a JSON file that can be read at {path}") from error
        except (KeyError, TypeError):  # a manifest of another kind
            texts = dict[Any, Any]()
        if not texts or not all(isinstance(one, str) and one for pair in texts.items() for one in pair):
            raise DocumentsError(f"a JSON object of documents by their ids at {path}, or Apollo's manifest")
        hashed = {sha256(text.encode()).hexdigest(): text for text in texts.values()}
        return cls(MappingProxyType({**hashed, **texts}), only=only)

    def filled(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A request's fields with the text that `documentId` or `extensions.persistedQuery.sha256Hash` names.

        Raises:
            AppError: BAD_USER_INPUT; the id is not known, only trusted documents run here and this is none, or it is
                too long.
        """
        given, query = named(fields), fields.get("query")
        if given is None and not self.only and isinstance(query, str) and len(query) <= MAX_CHARACTERS:
            return dict(fields)
        known = None if given is None else self.texts.get(given)
        if known is None and given is not None and not query:
            known = self._registered.find(given)
        if known is not None:
            return {**fields, "query": known}
        if given is not None and not query:
            raise AppError(ErrorCode.BAD_USER_INPUT, _NOT_FOUND)
        if isinstance(query, str) and len(query) > MAX_CHARACTERS:
            message = f"An operation has at most {MAX_CHARACTERS:,} characters: send long values as variables."
            raise AppError(ErrorCode.BAD_USER_INPUT, message)
        if (
            self.only
            and isinstance(query, str)
            and sha256(query.encode("utf-8", "replace")).hexdigest() not in self.texts
        ):
            message = (
                "Only trusted documents run here, and this is none of them. Send `documentId`, or the SHA-256 of its "
                "text as `extensions.persistedQuery.sha256Hash`; the server's TRUSTED_DOCUMENTS names them."
            )
            raise AppError(ErrorCode.BAD_USER_INPUT, message)
        if given is not None and isinstance(query, str) and not self.only:
            self._register(given, query)
        return dict(fields)

    def _register(self, given: str, query: str) -> None:
        """Remember a text by its hash, if that is what it came with."""
        if given not in self._registered and given == sha256(query.encode("utf-8", "replace")).hexdigest():
            self._registered.keep(given, query, len(query))


def _texts(found: object) -> Iterable[tuple[Any, Any]]:
    match found:
        case {"operations": list()}:
            return [(one["id"], one["body"]) for one in cast("dict[str, Any]", found)["operations"]]
        case dict():
            return cast("dict[str, Any]", found).items()
        case _:
            return ()


def named(fields: Mapping[str, Any]) -> str | None:
    """The id of the document that a request means; null where it means none."""
    if isinstance(given := fields.get("documentId"), str):
        return given
    match fields.get("extensions"):
        case {"persistedQuery": {"sha256Hash": str(hashed)}}:
            return hashed
        case _:
            return None
