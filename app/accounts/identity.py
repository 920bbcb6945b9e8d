"""Checks of what people type about themselves: e-mail addresses and names."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from email_validator import EmailNotValidError, validate_email

from app.errors import bad_input

_NAME_MAX_CHARACTERS: Final = 100
_EMAIL_MAX_CHARACTERS: Final = 320
"""64 before the @, 255 behind it: RFC 5321, section 4.5.3.1."""
_NO_TEXT: Final = frozenset({"Cc", "Cs"})
"""Unicode's control characters and lone surrogates; the database can't keep the latter."""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An e-mail address as typed, and the form by which an account is found: lower case, NFC."""

    given: str
    key: str

    @classmethod
    def parse(cls, text: str) -> "EmailAddress":
        """Read an address; only its syntax is checked, no mail is sent and no name is resolved.

        Mailbox names are case-sensitive by RFC 5321, but no provider that people use makes a difference.

        Raises:
            AppError: BAD_USER_INPUT with what is wrong with it.
        """
        given = text.strip()
        if len(given) > _EMAIL_MAX_CHARACTERS:
            raise bad_input(f"An e-mail address has at most {_EMAIL_MAX_CHARACTERS} characters.", "input", "email")
        try:
            normalized = validate_email(given, check_deliverability=False).normalized
        except EmailNotValidError as error:
            # These messages are the library's, written for the person who types.
            raise bad_input(str(error), "input", "email") from error
        return cls(given=given, key=unicodedata.normalize("NFC", normalized.lower()))


def parse_name(text: str) -> str:
    """A person's name as it will be shown: NFC, no space around it, 1 to 100 characters.

    Raises:
        AppError: BAD_USER_INPUT.
    """
    # Four times as long is no name even when its accents are composed; normalizing hostile text is quadratic.
    name = text if len(text) > 4 * _NAME_MAX_CHARACTERS else unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= _NAME_MAX_CHARACTERS:
        raise bad_input(f"A name has 1 to {_NAME_MAX_CHARACTERS} characters.", "input", "name")
    if any(unicodedata.category(character) in _NO_TEXT for character in name):
        raise bad_input("A name holds no line breaks and no control characters.", "input", "name")
    return name
