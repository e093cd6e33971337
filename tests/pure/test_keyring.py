"""One secret, a key for each purpose; the first signs, all verify."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.primitives.keyring import Keyring, Purpose

OLD, NEW = "an old secret of thirty-two bytes, or more", "a new secret of thirty-two bytes, or more"


@pytest.mark.parametrize("purpose", Purpose)
def test_a_key_is_derived_as_rfc_5869_says(purpose: Purpose):
    derived = HKDF(SHA256(), 32, salt=b"keyturn", info=purpose.encode()).derive(NEW.encode())

    assert Keyring([NEW]).signing(purpose) == derived


def test_no_two_purposes_share_a_key():
    keys = {Keyring([secret]).signing(purpose) for purpose in Purpose for secret in (OLD, NEW)}

    assert len(keys) == 2 * len(Purpose)


@pytest.mark.parametrize("purpose", Purpose)
def test_the_first_secret_signs_and_all_verify(purpose: Purpose):
    keyring = Keyring([NEW, OLD])

    assert keyring.signing(purpose) == Keyring([NEW]).signing(purpose)
    assert keyring.verifying(purpose) == (
        Keyring([NEW]).signing(purpose),
        Keyring([OLD]).signing(purpose),
    )


def test_a_key_does_not_show_the_secret():
    keyring = Keyring([NEW])

    assert all(len(keyring.signing(purpose)) == 32 for purpose in Purpose)
    assert NEW not in repr(keyring)


def test_a_keyring_without_a_secret_is_refused():
    with pytest.raises(ValueError, match="at least one secret"):
        Keyring([])
