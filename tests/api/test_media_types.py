import pytest

from app.api.media_types import (
    GRAPHQL_JSON,
    JSON,
    preferred,
    prefers_event_stream,
    takes_multipart_subscription,
)


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


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("text/event-stream", True),
        ("text/event-stream, multipart/mixed", True),
        ("TEXT/EVENT-STREAM;q=0.5", True),
        ("text/event-stream;q=0", False),
        ("text/event-stream, */*", True),
        ("text/event-stream;q=0.9, */*", False),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", False),
        ("text/event-stream, application/json", False),
        ("text/event-stream, application/json;q=0.9", True),
    ],
)
def test_stream_is_for_who_likes_it_better_than_json(accept: str | None, streams: bool) -> None:  # noqa: FBT001 - expected
    assert prefers_event_stream(accept) is streams


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        (None, False),
        ("multipart/mixed", False),
        ("multipart/mixed;deferSpec=20220824, application/json", False),
        ("multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/json", True),
        ('multipart/mixed; boundary="graphql"; subscriptionSpec="1.0", application/json;q=0.9', True),
        ("multipart/mixed;subscriptionSpec=1.0;q=0, application/json", False),
        ("multipart/mixed;subscriptionSpec=2.0", False),
    ],
)
def test_apollos_protocol_is_for_who_names_it(accept: str | None, takes: bool) -> None:  # noqa: FBT001 - expected
    assert takes_multipart_subscription(accept) is takes
