"""What is sealed can be opened in its own place only, and with the keys that are still known."""

import pytest

from app.primitives.sealing import SealBroken, seal, unseal

KEY, OTHER = bytes(32), bytes(range(32))


def test_sealed_text_opens_in_its_place():
    sealed = seal(KEY, b"secret", b"here")
    assert unseal([KEY], sealed, b"here") == (b"secret", True)
    assert b"secret" not in sealed


def test_two_seals_of_one_text_differ():
    assert seal(KEY, b"secret", b"here") != seal(KEY, b"secret", b"here")


def test_former_key_opens_and_says_so():
    assert unseal([OTHER, KEY], seal(KEY, b"secret", b"here"), b"here") == (b"secret", False)


@pytest.mark.parametrize("place", [b"there", b"", b"here "])
def test_sealed_text_does_not_open_elsewhere(place: bytes):
    with pytest.raises(SealBroken):
        unseal([KEY], seal(KEY, b"secret", b"here"), place)


@pytest.mark.parametrize("position", [0, 11, 12, -1])
def test_changed_text_does_not_open(position: int):
    sealed = bytearray(seal(KEY, b"secret", b"here"))
    sealed[position] ^= 1
    with pytest.raises(SealBroken):
        unseal([KEY], bytes(sealed), b"here")


def test_key_that_is_gone_opens_nothing():
    with pytest.raises(SealBroken):
        unseal([OTHER], seal(KEY, b"secret", b"here"), b"here")
