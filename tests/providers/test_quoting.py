import pytest

from app.providers.quoting import quote


def test_quote_names_who_said_it() -> None:
    assert quote("It says", "No.", "key") == " It says: “No.”"


@pytest.mark.parametrize("words", ["", " \n "])
def test_nothing_said_is_nothing_quoted(words: str) -> None:
    assert quote("It says", words, "key") == ""


@pytest.mark.parametrize(
    "words",
    [
        "secret-1 is wrong",
        f"AIza{'x' * 35} is wrong",
        "Incorrect API key provided: sk-proj-****************abcd.",
        "Consumer 'api_key:abc' is suspended",
        "at https://example.test/v1?key=abc&alt=sse",
        "at /v1?alt=sse&key=abc",
        "sent Authorization: Bearer abc, which is wrong",
    ],
)
def test_quote_holds_no_key(words: str) -> None:
    said = quote("It says", words, "secret-1")
    assert not any(secret in said for secret in ("secret-1", "abc", "xxx"))


def test_quote_does_not_name_the_operators_account() -> None:
    said = quote("It says", "Rate limit reached in organization org-AbCdEfGh123 and proj_AbCdEfGh123.", "key")
    assert said == " It says: “Rate limit reached in organization [account] and [account].”"


def test_quote_is_short_and_on_one_line() -> None:
    said = quote("It says", "very\n" * 200, "key")
    assert len(said) == len(" It says: “”") + 300
    assert "\n" not in said
