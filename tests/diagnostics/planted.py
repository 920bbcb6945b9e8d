"""Secrets of every kind, and the places where somebody may have put them."""

from typing import Any, Final

KNOWN: Final = "a-key-that-looks-like-any-other-word"
_JWT: Final = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PLANTED: Final = {
    "openai": "sk-proj-AbCdEfGhIjKlMnOpQrStUvWx",
    "starred": "sk-AbCd**********WxYz",
    "google": "AIzaSyA1234567890abcdefghijklmnopqrstu",
    "jwt": _JWT,
    "password": "correct-horse-battery",
    "bearer": "0123456789abcdef0123",
    "known": KNOWN,
    "query": "Zm9vYmFyYmF6cXV4",
    "basic": "dXNlcjpwYXNzd29yZA==",
    "cloudinary": "s3cr3tOfCloudinary",
}
SENTENCES: Final = (
    "The key {openai} was refused, and so was {starred}; {google} too.",
    "Authorization: Bearer {bearer}",
    'curl -H "Authorization: Basic {basic}" https://api.example.com/v1?key={query}&alt=json',
    "mongodb://ada:{password}@db.example.com:27017/regen failed",
    "cloudinary://1234567890:{cloudinary}@shop",
    "password={password} token: {bearer} api_key='{query}'",
    'the answer was {{"access_token": "{bearer}", "secret": "{cloudinary}"}}',
    'once more in quotes: {{\\"access_token\\": \\"{bearer}\\", \\"client_secret\\":\\"{cloudinary}\\"}}',
    "postgres://ada:half@{password}@db.example.com/regen failed",
    "it said -----BEGIN RSA PRIVATE KEY-----\n{query}\n{bearer}\n-----END RSA PRIVATE KEY-----",
    "a token {jwt} in the middle",
    "and {known} in a sentence",
    "see https://files.example.com/a.png?signature={query}&expires=1",
)
_NAMED: Final = (
    ("Authorization", "bearer"),
    ("x-goog-api-key", "google"),
    ("api_key", "query"),
    ("apiKey", "query"),
    ("password", "password"),
    ("Set-Cookie", "bearer"),
    ("refreshToken", "bearer"),
    ("access_token", "bearer"),
    ("client_secret", "cloudinary"),
    ("X-Signature", "query"),
)


def everything() -> dict[str, Any]:
    """Each secret, in each place."""
    said = [sentence.format(**PLANTED) for sentence in SENTENCES]
    headers = {name: PLANTED[planted] for name, planted in _NAMED}
    return {"said": said, "headers": headers, "deep": [{"er": [headers, *said]}], said[0]: 1, "many": " ".join(said)}


def leaks(text: str) -> list[str]:
    """The names of those that are in a text."""
    return [name for name, secret in PLANTED.items() if secret in text]
