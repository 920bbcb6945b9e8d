import pytest

from app.accounts.identity import EmailAddress, parse_name
from app.errors import AppError, ErrorCode


def test_address_is_kept_as_typed_and_found_in_lower_case() -> None:
    address = EmailAddress.parse("  Ada.Lovelace@Example.COM ")
    assert (address.given, address.key) == ("Ada.Lovelace@Example.COM", "ada.lovelace@example.com")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jose\u0301@example.com", "JOSÉ@example.com"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@EXAMPLE.com", "A@example.com"),
    ],
)
def test_ways_to_write_one_address_have_one_key(one: str, other: str) -> None:
    assert EmailAddress.parse(one).key == EmailAddress.parse(other).key


@pytest.mark.parametrize(
    "text", ["", "ada", "ada@", "a b@example.com", "a@localhost", "\ud800@example.com", "a\0@b.com"]
)
def test_what_is_no_address_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(AppError) as caught:
        EmailAddress.parse(text)
    assert (caught.value.code, caught.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "email"))
    assert caught.value.message


def test_name_is_trimmed_and_keeps_every_script() -> None:
    assert parse_name("  Zoe\u0308 नेहा 👩‍🎨 ") == "Zoë नेहा 👩‍🎨"


@pytest.mark.parametrize("text", ["", "   ", "x" * 101, "two\nlines", "nul\0", "half \ud800"])
def test_name_that_cannot_be_shown_or_stored_is_refused(text: str) -> None:
    with pytest.raises(AppError) as caught:
        parse_name(text)
    assert (caught.value.code, caught.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "name"))
