import pytest

from app.api.media_types import GRAPHQL_JSON, JSON, preferred


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", GRAPHQL_JSON),
        ("application/graphql-response+json, application/json", GRAPHQL_JSON),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/json;q=0.9, application/graphql-response+json;q=0.9", GRAPHQL_JSON),
        ("application/graphql-response+json;q=0, */*", JSON),
        ("text/html, */*;q=0.1", JSON),
        ("application/json;q=nonsense, APPLICATION/GRAPHQL-RESPONSE+JSON", GRAPHQL_JSON),
    ],
)
def test_better_liked_media_type_is_chosen(accept: str | None, chosen: str) -> None:
    assert preferred(accept) == chosen
