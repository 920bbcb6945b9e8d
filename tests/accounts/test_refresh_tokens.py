from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.refresh_tokens import RefreshTokens

TOKENS = RefreshTokens(b"one key of 32 bytes, for the test")
OTHERS = RefreshTokens(b"another key of 32 bytes, for that")
SESSION = PydanticObjectId()
TOKEN = TOKENS.first(SESSION)


def test_token_is_read_back() -> None:
    assert TOKENS.read(TOKEN.text) == TOKEN
    assert TOKENS.read(TOKENS.successor(TOKEN).text) == TOKENS.successor(TOKEN)


def test_successor_is_one_and_needs_the_key() -> None:
    assert TOKENS.successor(TOKEN) == TOKENS.successor(TOKEN)
    assert TOKENS.successor(TOKEN).secret not in {TOKEN.secret, OTHERS.successor(TOKEN).secret}


def test_each_session_begins_with_another_secret() -> None:
    assert TOKENS.first(SESSION).secret != TOKEN.secret


def test_hash_and_repr_hold_nothing_of_the_secret() -> None:
    assert TOKEN.hash not in TOKEN.text
    assert TOKEN.text.split(".")[1][:16] not in repr(TOKEN)


def test_token_of_another_key_or_session_is_a_stranger() -> None:
    assert TOKENS.read(OTHERS.first(SESSION).text) is None
    assert TOKENS.read(f"{PydanticObjectId()}.{TOKEN.text.split('.')[1]}") is None
    assert TOKENS.read(TOKEN.text.upper()) is None


@given(st.text())
def test_any_other_text_is_a_stranger(text: str) -> None:
    assert TOKENS.read(text) is None
    assert TOKENS.read(f"{SESSION}.{text}") is None


@given(st.integers(0, len(TOKEN.text) - 1), st.characters())
def test_token_with_one_character_changed_is_a_stranger(place: int, character: str) -> None:
    changed = TOKEN.text[:place] + character + TOKEN.text[place + 1 :]
    assert (TOKENS.read(changed) is None) == (changed != TOKEN.text)
