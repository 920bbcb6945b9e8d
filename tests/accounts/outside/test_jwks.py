import json
from typing import Any

import pytest

from app.accounts.outside.jwks import KeySet, NotKeysError
from tests.accounts.outside.stand_in import ec, ed, jwk, rsa

_ALL = ("RS256", "PS256", "ES256", "EdDSA")


def _set(*rows: Any) -> KeySet:
    return KeySet.parse(json.dumps({"keys": rows}).encode(), _ALL)


def test_key_is_for_the_algorithms_of_its_type() -> None:
    keys = _set(jwk(rsa("a"), "r"), jwk(ec("a"), "e"), jwk(ed("a"), "d"))
    assert {key.kid: key.algorithms for key in keys.keys} == {
        "r": ("RS256", "PS256"),
        "e": ("ES256",),
        "d": ("EdDSA",),
    }


def test_key_that_names_its_algorithm_is_for_no_other() -> None:
    keys = _set(jwk(rsa("a"), "r", alg="PS256"))
    assert keys.find("r", "RS256") is None
    assert keys.find("r", "PS256") is not None


@pytest.mark.parametrize(
    "row",
    [
        {"kty": "oct", "kid": "x", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
        {**jwk(rsa("a"), "x"), "use": "enc"},
        {**jwk(rsa("a"), "x"), "key_ops": ["encrypt"]},
        {**jwk(rsa("a"), "x"), "key_ops": 7},
        {**jwk(rsa("a"), "x"), "alg": "HS256"},
        {**jwk(rsa("a"), "x"), "alg": "ES256"},
        {**jwk(rsa("a"), "x"), "n": "!!"},
        {**jwk(rsa("a"), "x"), "n": 7},
        {**jwk(ec("a"), "x"), "crv": "P-384"},
        {**jwk(ec("a"), "x"), "y": "AAAA"},
        {**jwk(ed("a"), "x"), "crv": "X25519"},
        {**jwk(rsa("a"), None), "kid": 7},
        jwk(rsa("short", 1024), "x"),
        {"kty": ["RSA"], "kid": "x"},
        "a text",
        None,
    ],
)
def test_what_is_no_usable_key_is_left_out_and_the_others_stay(row: Any) -> None:
    keys = _set(row, jwk(ec("a"), "e"))
    assert [key.kid for key in keys.keys] == ["e"]


def test_private_key_that_was_published_is_not_used() -> None:
    from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 - this test alone

    private: dict[str, Any] = RSAAlgorithm.to_jwk(rsa("a"), as_dict=True)
    private.pop("key_ops")
    with pytest.raises(NotKeysError, match="no public key"):
        _set({**private, "kid": "r"})


def test_token_without_a_name_is_of_the_only_key_that_fits() -> None:
    alone = _set(jwk(rsa("a"), "r"), jwk(ec("a"), "e"))
    assert alone.find(None, "RS256") is not None
    assert _set(jwk(rsa("a"), "r"), jwk(rsa("b"), "s")).find(None, "RS256") is None


@pytest.mark.parametrize("text", [b"[]", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "YWJj"}]}'])
def test_what_is_no_key_set_says_so(text: bytes) -> None:
    with pytest.raises(NotKeysError):
        KeySet.parse(text, _ALL)
