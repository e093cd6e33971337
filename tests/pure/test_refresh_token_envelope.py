"""The refresh token as a signed JWT: the same proof, and no other kind of token passes for it."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.errors import InvalidRefreshToken
from app.engine.refresh_tokens import EnvelopeForm, OpaqueForm, PresentedToken, ProofMaker
from app.engine.snapshot import SessionRow, Snapshot
from app.primitives.keyring import Keyring, Purpose
from tests.engine.snapshots import NOW, session_row, snapshot

OLD, NEW = "an old secret of thirty-two bytes, or more", "a new secret of thirty-two bytes, or more"
KEYRING = Keyring([NEW])
KEY = KEYRING.signing(Purpose.REFRESH_TOKEN_ENVELOPE)
SESSION = session_row(generation=3)
PROOF = ProofMaker(KEYRING).derive(SESSION)


def contract_claims(found: Snapshot) -> dict[str, object]:
    return {"userId": str(found.person.uuid), "type": "of the contract"}


def form(keyring: Keyring = KEYRING) -> EnvelopeForm:
    return EnvelopeForm(keyring, contract_claims)


def write(session: SessionRow = SESSION, keyring: Keyring = KEYRING, at=NOW) -> str:
    return form(keyring).write(snapshot(session), ProofMaker(keyring).derive(session), at)


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def signed(key: bytes = KEY, algorithm: str = "HS256", **changes: object) -> str:
    """Sign the claims of an honest token, changed."""
    return jwt.encode(claims_of(write()) | changes, key, algorithm=algorithm)


def assert_refused(text: str, keyring: Keyring = KEYRING) -> None:
    with pytest.raises(InvalidRefreshToken):
        form(keyring).read(text)


@given(st.uuids(), st.integers(1, 2**63 - 1))
def test_what_is_written_is_read(session_id, generation: int):
    session = session_row(id=session_id, generation=generation)

    assert form().read(write(session)) == PresentedToken(
        session_id, generation, ProofMaker(KEYRING).derive(session)
    )


def test_it_carries_the_claims_of_the_contract_but_ours_cannot_be_replaced():
    claims = claims_of(write())

    assert claims["userId"] == "0b0f5a9c-51d1-4d0c-8a7e-1f2f3c4d5e6f"
    assert (claims["type"], claims["gen"]) == ("refresh", 3)


def test_its_end_is_the_end_of_the_session_that_comes_first():
    soon = NOW + timedelta(hours=1)

    assert claims_of(write(session_row(absolute_expires_at=soon)))["exp"] == soon.timestamp()
    assert claims_of(write(session_row(inactivity_expires_at=soon)))["exp"] == soon.timestamp()


def test_a_repeat_may_be_written_at_another_time_around_the_same_proof():
    first, second = write(), write(at=NOW + timedelta(seconds=5))

    assert first != second
    assert form().read(first) == form().read(second)


def test_the_row_and_not_the_envelope_decides_the_end():
    assert form().read(write(session_row(generation=3, absolute_expires_at=NOW - timedelta(days=1))))


@pytest.mark.parametrize("position", range(len(write())))
def test_any_other_letter_at_any_place_is_refused(position: int):
    token = write()
    for letter in "Ab0-_.=+é":
        if letter != token[position]:
            assert_refused(token[:position] + letter + token[position + 1 :])


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_every_flipped_bit_is_refused(segment: int):
    segments = write().split(".")
    raw = urlsafe_b64decode(segments[segment] + "==")
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        segments[segment] = urlsafe_b64encode(flipped).decode().rstrip("=")
        assert_refused(".".join(segments))


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", write() + "=", write() + ".", write() * 2, "é"])
def test_any_other_spelling_is_refused(text: str):
    assert_refused(text)
    assert_refused(text.swapcase())


@given(st.text(max_size=100))
def test_garbage_is_refused_and_raises_nothing_else(text: str):
    assert_refused(text)


def test_an_unsigned_token_is_refused():
    header = urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    _, payload, signature = write().split(".")

    assert_refused(jwt.encode(claims_of(write()), None, algorithm="none"))
    assert_refused(f"{header}.{payload}.")
    assert_refused(f"{header}.{payload}.{signature}")


@pytest.mark.filterwarnings("ignore:The HMAC key is")
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused_although_the_key_is_right(algorithm: str):
    assert_refused(signed(algorithm=algorithm))


@pytest.mark.parametrize(
    "purpose", [purpose for purpose in Purpose if purpose.value != "refresh-token-envelope"]
)
def test_a_key_for_another_purpose_does_not_sign_envelopes(purpose: Purpose):
    assert_refused(signed(KEYRING.signing(purpose)))


@pytest.mark.parametrize("kind", ["access", "Refresh", "", None, 1, ["refresh"]])
def test_another_kind_of_token_is_refused_even_if_the_key_signed_it(kind: object):
    assert_refused(signed(type=kind))


@pytest.mark.parametrize(
    "changes",
    [
        {"sid": None},
        {"sid": 7},
        {"sid": "not a uuid"},
        {"gen": None},
        {"gen": "3"},
        {"gen": 3.0},
        {"gen": True},
        {"gen": 0},
        {"gen": -1},
        {"gen": 2**63},
        {"proof": None},
        {"proof": 5},
        {"proof": "é"},
        {"proof": "A"},
    ],
)
def test_signed_claims_of_another_form_are_refused(changes: dict[str, object]):
    assert_refused(signed(**changes))


def test_a_leaked_envelope_key_alone_forges_nothing():
    forged = form().read(signed(proof=urlsafe_b64encode(bytes(32)).decode().rstrip("=")))

    assert not ProofMaker(KEYRING).is_genuine(SESSION, forged)


def test_opaque_tokens_and_envelopes_do_not_pass_for_each_other():
    opaque = OpaqueForm(KEYRING)

    assert_refused(opaque.write(snapshot(SESSION), PROOF, NOW))
    with pytest.raises(InvalidRefreshToken):
        opaque.read(write())


def test_an_older_key_verifies_and_the_newer_one_signs():
    both = Keyring([NEW, OLD])

    assert form(both).read(write(keyring=Keyring([OLD]))).generation == 3
    assert write(keyring=both) == write(keyring=Keyring([NEW]))


def test_a_withdrawn_key_verifies_no_more():
    assert_refused(write(keyring=Keyring([OLD])))
