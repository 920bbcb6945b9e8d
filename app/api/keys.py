"""Idempotency keys: a client's own ids of the calls that start work."""

from app.errors import bad_input

KEY_WORDS = "Your own id of this call: the same key with the same input starts nothing twice."
_MAX_CHARACTERS = 200


def check_key(key: str | None) -> str | None:
    """The key as it was given.

    Raises:
        AppError: BAD_USER_INPUT naming the argument when it is empty or too long.
    """
    if key is not None and not 1 <= len(key) <= _MAX_CHARACTERS:
        raise bad_input(f"An idempotencyKey has 1 to {_MAX_CHARACTERS} characters.", "input", "idempotencyKey")
    return key
