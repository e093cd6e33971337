"""The opaque refresh token: one spelling, and made of a key and a salt, neither of which is enough alone."""

import base64
import re
import string
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.errors import InvalidRefreshToken
from app.engine.refresh_tokens import PREFIX, OpaqueForm, PresentedToken, ProofMaker, fingerprint
from app.engine.snapshot import SessionRow
from app.primitives.keyring import Keyring
from tests.engine.snapshots import NOW, SESSION_ID, session_row, snapshot

OLD, NEW = "an old secret of thirty-two bytes, or more", "a new secret of thirty-two bytes, or more"
KEYRING = Keyring([NEW])
ANOTHER_ID = UUID(int=SESSION_ID.int + 1)
URL_SAFE = string.ascii_letters + string.digits + "-_"


def write(session: SessionRow, keyring: Keyring = KEYRING) -> str:
    return OpaqueForm(keyring).write(snapshot(session), ProofMaker(keyring).derive(session), NOW)


def is_accepted(token: str, session: SessionRow, keyring: Keyring = KEYRING) -> bool:
    """Judge a token as a refresh does: the text first, then the proof."""
    try:
        return ProofMaker(keyring).is_genuine(session, OpaqueForm(keyring).read(token))
    except InvalidRefreshToken:
        return False


SESSION = session_row(generation=3)
TOKEN = write(SESSION)


@given(st.uuids(), st.integers(1, 2**63 - 1), st.binary(min_size=16, max_size=16))
def test_what_is_written_is_read(session_id, generation: int, salt: bytes):
    session = session_row(id=session_id, generation=generation, salt=salt)

    token = OpaqueForm(KEYRING).read(write(session))

    assert token == PresentedToken(session_id, generation, ProofMaker(KEYRING).derive(session))
    assert ProofMaker(KEYRING).is_genuine(session, token)


def test_a_token_has_a_prefix_for_secret_scanners_and_one_length():
    tokens = [write(session_row(generation=n)) for n in (1, 2, 255, 2**32, 2**63 - 1)]

    assert all(re.fullmatch(rf"{PREFIX}[A-Za-z0-9_-]{{88}}", token) for token in tokens)
    assert len(TOKEN) < 255


def test_the_same_generation_is_written_the_same_way_at_any_time():
    proof = ProofMaker(KEYRING).derive(SESSION)
    later = OpaqueForm(KEYRING).write(snapshot(SESSION), proof, NOW + timedelta(days=9))

    assert later == TOKEN


def test_every_generation_session_and_salt_has_a_proof_of_its_own():
    rows = [session_row(generation=n) for n in range(1, 50)]
    rows += [SESSION._replace(salt=b"another sixteen!"), SESSION._replace(id=ANOTHER_ID)]

    assert len({ProofMaker(KEYRING).derive(row) for row in rows}) == len(rows)


@pytest.mark.parametrize("position", range(len(TOKEN)))
def test_any_other_letter_at_any_place_is_refused(position: int):
    others = [TOKEN[:position] + letter + TOKEN[position + 1 :] for letter in URL_SAFE + "+/=. \n\0é"]

    assert not any(is_accepted(other, SESSION) for other in others if other != TOKEN)


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_a_cut_token_is_refused(length: int):
    assert not is_accepted(TOKEN[:length], SESSION)
    assert not is_accepted(TOKEN[-length:], SESSION) or length == 0


@pytest.mark.parametrize(
    "text",
    [
        TOKEN + "=",
        TOKEN + "==",
        TOKEN + "A",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN + TOKEN,
        TOKEN[:-1] + "=",
        TOKEN.upper(),
        TOKEN.lower(),
        TOKEN.swapcase(),
        TOKEN.removeprefix(PREFIX),
        "kt2_" + TOKEN.removeprefix(PREFIX),
        PREFIX + TOKEN.removeprefix(PREFIX)[::-1],
        PREFIX + "A" * 88,
        PREFIX + "=" * 88,
        "",
        PREFIX,
        "é" * len(TOKEN),
        PREFIX + "\ud800" * 88,
    ],
)
def test_any_other_spelling_is_refused(text: str):
    assert not is_accepted(text, SESSION)


@given(st.text(max_size=200) | st.binary(min_size=66, max_size=66))
def test_garbage_is_refused_and_raises_nothing_else(garbage: str | bytes):
    encoded = base64.urlsafe_b64encode(garbage).decode() if isinstance(garbage, bytes) else garbage

    assert not is_accepted(PREFIX + encoded, SESSION)
    assert not is_accepted(encoded, SESSION)


@pytest.mark.parametrize("generation", [0, 2**63, 2**64 - 1])
def test_a_generation_that_no_row_can_have_is_refused(generation: int):
    with pytest.raises(InvalidRefreshToken):
        OpaqueForm(KEYRING).read(write(session_row(generation=generation)))


def test_a_token_of_one_session_does_not_open_another():
    assert is_accepted(TOKEN, SESSION)
    assert not is_accepted(TOKEN, SESSION._replace(id=ANOTHER_ID))
    assert not is_accepted(write(SESSION._replace(id=ANOTHER_ID)), SESSION)


def test_a_leaked_key_alone_forges_nothing():
    guessed = write(SESSION._replace(salt=bytes(16)))

    assert not is_accepted(guessed, SESSION)


def test_a_leaked_row_alone_forges_nothing():
    assert not is_accepted(write(SESSION, Keyring([OLD])), SESSION)


def test_a_leaked_key_and_row_would_forge_which_is_why_they_are_kept_apart():
    assert is_accepted(write(session_row(generation=9)), SESSION)


def test_a_checksum_without_the_proof_is_worth_nothing():
    forged = OpaqueForm(KEYRING).write(snapshot(SESSION), bytes(32), NOW)

    assert OpaqueForm(KEYRING).read(forged).proof == bytes(32)
    assert not is_accepted(forged, SESSION)


def test_an_older_key_verifies_and_the_newer_one_signs():
    both = Keyring([NEW, OLD])

    assert is_accepted(write(SESSION, Keyring([OLD])), SESSION, both)
    assert write(SESSION, both) == write(SESSION, Keyring([NEW]))


def test_a_key_can_be_added_to_all_hosts_before_the_first_signs_with_it():
    early, late = Keyring([OLD, NEW]), Keyring([NEW, OLD])

    assert is_accepted(write(SESSION, late), SESSION, early)
    assert is_accepted(write(SESSION, early), SESSION, late)


def test_a_withdrawn_key_verifies_no_more():
    assert not is_accepted(write(SESSION, Keyring([OLD])), SESSION, Keyring([NEW]))


def test_a_fingerprint_tells_tokens_apart_and_gives_none_away():
    marks = {fingerprint(text) for text in (TOKEN, TOKEN[:-1], "", "\ud800")}

    assert len(marks) == 4
    assert not any(mark in TOKEN for mark in marks)
