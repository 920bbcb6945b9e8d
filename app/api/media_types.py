"""Which of GraphQL's two media types a client prefers."""

from typing import Final

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
_ANY = frozenset({"*/*", "application/*"})


def preferred(accept: str | None) -> str:
    """The better liked one by the `Accept` header's q-values; `application/json` where both or neither are named."""
    best, found = (0.0, 0), JSON
    for part in (accept or "").split(","):
        name, quality = _weighed(part)
        for rank, media_type in ((1, JSON), (2, GRAPHQL_JSON)):
            named = name == media_type or (name in _ANY and media_type == JSON)
            if named and quality > 0 and (quality, rank) > best:
                best, found = (quality, rank), media_type
    return found


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0
