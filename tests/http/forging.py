"""Tokens that the service has not made: signed with its key or another, with other claims or headers."""

import base64
import json
import secrets
from typing import Any

import jwt
from flask import Flask

from app.primitives.keyring import Purpose
from tests.conftest import runtime_of
from tests.rows import claims_of

OTHER_KEY = secrets.token_bytes(32)


def key_of(app: Flask, purpose: Purpose = Purpose.ACCESS_TOKEN) -> bytes:
    """Return the service's own signing key."""
    return runtime_of(app).engine.keyring.signing(purpose)


def resigned(
    token: str | None, key: bytes, *, algorithm: str = "HS256", drop: str | None = None, **changes: Any
) -> str:
    """Return the token with changed claims, signed again."""
    claims = {name: value for name, value in {**claims_of(token), **changes}.items() if name != drop}
    return jwt.encode(claims, key, algorithm)


def unsigned(token: str | None) -> str:
    """Return the token with `alg: none` and no signature."""
    assert token is not None
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


def one_bit_off(token: str | None) -> str:
    """Return the token with the lowest significant bit of its signature changed."""
    assert token is not None
    head, _, signature = token.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))
    raw[-1] ^= 1
    return f"{head}.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"


def broken_forms(token: str | None, app: Flask, purpose: Purpose) -> dict[str, str]:
    """Return what is no genuine token of a kind, by what is wrong with it."""
    assert token is not None
    return {
        "truncated": token[:-1],
        "cut to two segments": token.rpartition(".")[0],
        "padded": token + "=",
        "one bit off": one_bit_off(token),
        "alg none": unsigned(token),
        "another key": resigned(token, OTHER_KEY),
        "another algorithm": resigned(token, key_of(app, purpose) * 2, algorithm="HS512"),
        "another session, another key": resigned(token, OTHER_KEY, sid=claims_of(token)["sid"], gen=99),
        "huge": token + "A" * 100_000,
        "not ASCII": "é" + token,
        "garbage": "garbage",
        "dots": "..",
        "nothing decoded": "e30.e30.e30",
        "null in it": token[:40] + "%00" + token[40:],
        "twice": f"{token},{token}",
    }
