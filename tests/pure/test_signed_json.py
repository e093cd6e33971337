"""What carries our signature is read at once; everything else is read as a stranger's."""

from collections.abc import Callable

import jwt
import pytest

from app.primitives.jwt_format import MAX_TOKEN_LENGTH, MalformedToken
from app.primitives.signed_json import read_signed, write_signed

KEY, OLDER, FOREIGN = b"a" * 32, b"b" * 32, b"c" * 32
CLAIMS: dict[str, object] = {"sub": "ada", "iat": 1, "exp": 2}


def test_what_one_of_the_keys_signed_is_read() -> None:
    assert read_signed(write_signed(CLAIMS, OLDER), [KEY, OLDER]) == CLAIMS


def test_a_general_library_writes_and_reads_the_same_tokens() -> None:
    assert read_signed(jwt.encode(CLAIMS, KEY), [KEY]) == CLAIMS
    assert jwt.decode(write_signed(CLAIMS, KEY), KEY, ["HS256"], options={"verify_exp": False}) == CLAIMS


def test_what_none_of_the_keys_signed_says_nothing() -> None:
    assert read_signed(write_signed(CLAIMS, FOREIGN), [KEY, OLDER]) is None


def test_the_right_key_under_another_header_says_nothing() -> None:
    assert read_signed(jwt.encode(CLAIMS, KEY, headers={"kid": "1"}), [KEY]) is None
    with pytest.raises(MalformedToken):
        read_signed(jwt.encode(CLAIMS, KEY * 2, "HS512"), [KEY * 2])


@pytest.mark.parametrize("missing", ["iat", "exp"])
def test_signed_claims_without_their_moments_are_refused(missing: str) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != missing}

    with pytest.raises(MalformedToken, match=missing):
        read_signed(write_signed(claims, KEY), [KEY])


def test_signed_json_that_is_no_object_is_refused() -> None:
    with pytest.raises(MalformedToken, match="object"):
        read_signed(jwt.PyJWS().encode(b"[1]", KEY), [KEY])


@pytest.mark.parametrize("spoil", [lambda text: text + "=", lambda text: text[:-1], lambda text: "é" + text])
def test_another_spelling_of_a_signed_token_is_no_token(spoil: Callable[[str], str]) -> None:
    try:
        found = read_signed(spoil(write_signed(CLAIMS, KEY)), [KEY])
    except MalformedToken:
        found = None
    assert found is None


def test_a_token_that_is_too_long_is_not_looked_at_however_it_is_signed() -> None:
    token = write_signed({**CLAIMS, "fill": "x" * MAX_TOKEN_LENGTH}, KEY)

    with pytest.raises(MalformedToken, match="too long"):
        read_signed(token, [KEY])
