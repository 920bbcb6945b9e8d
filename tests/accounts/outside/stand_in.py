"""An issuer on this machine: it publishes keys over real HTTP, signs tokens, and misbehaves when it is told to."""

import gzip
import json
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, override

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://login.example.com/"
AUDIENCE = "https://regen.example.com"

type PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
type Claims = Mapping[str, Any]


@cache
def rsa(name: str, bits: int = 2048) -> RSAPrivateKey:
    """The same for the same name: to make one takes a moment."""
    del name
    return generate_rsa(65537, bits)


@cache
def ec(name: str) -> EllipticCurvePrivateKey:
    del name
    return generate_ec(SECP256R1())


@cache
def ed(name: str) -> Ed25519PrivateKey:
    del name
    return Ed25519PrivateKey.generate()


def jwk(key: PrivateKey, kid: str | None, **members: Any) -> dict[str, Any]:
    """The public half, as a key set says it."""
    algorithm: Any = (
        RSAAlgorithm
        if isinstance(key, RSAPrivateKey)
        else ECAlgorithm
        if isinstance(key, EllipticCurvePrivateKey)
        else OKPAlgorithm
    )
    row: dict[str, Any] = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {**row, **({} if kid is None else {"kid": kid}), **members}


def signed(
    key: PrivateKey, claims: Claims, *, kid: str | None, algorithm: str, headers: Mapping[str, Any] | None = None
) -> str:
    named = {} if kid is None else {"kid": kid}
    return jwt.encode(dict(claims), key, algorithm, {**named, **(headers or {})})


def claims(now: float | None = None, **others: Any) -> dict[str, Any]:
    """Of a good token; a claim that is given as null is left out."""
    now = int(time.time() if now is None else now)
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "auth0|ada", "iat": now, "exp": now + 600}
    return {name: value for name, value in {**usual, **others}.items() if value is not None}


@dataclass
class StandIn:
    """`mode`: keys, error, garbage, other, huge, gzip, elsewhere or silent; `asked` counts the requests."""

    keys: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    mode: str = "keys"
    asked: int = 0
    url: str = ""
    let_go: Event = field(default_factory=Event)

    def body(self) -> bytes:
        return {
            "keys": json.dumps({"keys": self.keys}).encode(),
            "error": b"{}",
            "garbage": b"<html>" + b"[" * 10_000,
            "other": b'{"keys": "none"}',
            "huge": b" " * 1_000_000,
            "gzip": gzip.compress(b" " * 10_000_000),
        }.get(self.mode, b"")

    def status(self) -> int:
        return {"error": 500, "elsewhere": 302}.get(self.mode, 200)


@contextmanager
def standing_in(*keys: dict[str, Any]) -> Generator[StandIn]:
    """A stand-in that listens on a free port of 127.0.0.1."""
    issuer = StandIn(list(keys))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            if issuer.mode == "silent":
                issuer.let_go.wait(30)
            self.send_response(issuer.status())
            self.send_header("content-type", "application/json")
            if issuer.mode == "elsewhere":
                self.send_header("location", "/other-keys")
            if issuer.mode == "gzip":
                self.send_header("content-encoding", "gzip")
            self.end_headers()
            try:
                self.wfile.write(issuer.body())
            except OSError:  # who reads has had enough
                self.close_connection = True

        @override
        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}/keys"
    try:
        yield issuer
    finally:
        issuer.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
