"""Which media types a client takes: the better one of GraphQL's two, or a stream."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
EVENT_STREAM: Final = "text/event-stream"
MULTIPART: Final = "multipart/mixed"
_ANY = frozenset({"*/*", "application/*"})


@dataclass(frozen=True, slots=True)
class _Named:
    """One entry of an `Accept` header, in lower case; `quality` is 0 where it is refused."""

    name: str
    quality: float
    parameters: Mapping[str, str]


def preferred(accept: str | None) -> str:
    """The better liked one by the `Accept` header's q-values; `application/json` where both or neither are named."""
    best, found = (0.0, 0), JSON
    for one in _entries(accept):
        for rank, media_type in ((1, JSON), (2, GRAPHQL_JSON)):
            named = one.name == media_type or (one.name in _ANY and media_type == JSON)
            if named and one.quality > 0 and (one.quality, rank) > best:
                best, found = (one.quality, rank), media_type
    return found


def prefers_event_stream(accept: str | None) -> bool:
    """Whether `text/event-stream` is liked better than JSON; clients that take either one are answered in JSON."""
    stream, json = (0.0, 0), (0.0, 0)
    for one in _entries(accept):
        if one.name == EVENT_STREAM:
            stream = max(stream, (one.quality, 1))
        elif one.name in {JSON, GRAPHQL_JSON} or one.name in _ANY:
            json = max(json, (one.quality, int(one.name not in _ANY)))
    return stream[0] > 0 and stream > json


def takes_multipart_subscription(accept: str | None) -> bool:
    """Whether Apollo's multipart protocol of subscriptions is named, as only who means it does."""
    return any(
        one.name == MULTIPART and one.quality > 0 and one.parameters.get("subscriptionspec", "").startswith("1.")
        for one in _entries(accept)
    )


def _entries(accept: str | None) -> Iterator[_Named]:
    for part in (accept or "").split(","):
        name, *rest = (piece.strip().lower() for piece in part.split(";"))
        pairs = (piece.partition("=") for piece in rest)
        parameters = {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}
        try:
            quality = float(parameters.get("q", "1"))
        except ValueError:
            quality = 0.0
        yield _Named(name, quality, parameters)
