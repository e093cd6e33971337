"""Second factors on a real database: each code counts once, whoever else tries at the same moment."""

from collections import Counter
from datetime import UTC, datetime

import pyotp
import pytest
from sqlalchemy import update

from app.engine.engine import Engine
from app.engine.errors import AuthError, InvalidSecondFactor
from app.engine.mfa import Holder, RecoveryForm
from app.models import RecoveryCode, TotpDevice
from app.primitives.clock import FrozenClock
from app.primitives.keyring import Keyring, Purpose
from app.primitives.sealing import unseal
from config import FactorMethod
from tests.conftest import SECRET, START, on_every_database
from tests.engine.factors import (
    HERE,
    RFC_SECRET,
    give_device,
    give_recovery_codes,
    make_recovery_codes,
    outcome_of,
    outcomes_of,
    person_of,
    prove,
    racing_engine,
    recovery_rows,
)

# RFC 6238 appendix B, for `RFC_SECRET`: the SHA-1 rows, of which the last six digits are a code of six.
RFC_CODES = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


@pytest.mark.parametrize(("moment", "code"), RFC_CODES.items())
def test_codes_are_those_of_the_standard(engine: Engine, clock: FrozenClock, moment: int, code: str):
    ada = person_of(engine)
    clock.advance(datetime.fromtimestamp(moment, UTC) - START)
    give_device(engine, ada, RFC_SECRET)
    assert prove(engine, ada, code[-6:]) == "proven"


@on_every_database
def test_of_fifty_uses_of_one_code_at_once_one_counts(app_for, clock: FrozenClock):
    engine = racing_engine(app_for)
    ada = person_of(engine)
    give_device(engine, ada, RFC_SECRET)
    code = pyotp.TOTP(RFC_SECRET).at(clock.now())
    assert outcomes_of(50, lambda: prove(engine, ada, code)) == {"proven": 1, "mfa_code_invalid": 49}


@on_every_database
def test_of_fifty_uses_of_one_recovery_code_at_once_one_counts(app_for):
    engine = racing_engine(app_for)
    ada = person_of(engine)
    give_device(engine, ada, RFC_SECRET)
    codes = give_recovery_codes(engine, ada, RecoveryForm.LONG)
    outcomes = outcomes_of(50, lambda: prove(engine, ada, codes[0], None))
    assert outcomes == {"proven": 1, "recovery_code_invalid": 49}
    assert engine.second_factors.status(ada.id).recovery_codes_left == 9


@pytest.mark.parametrize(
    ("form", "count", "length"), [(RecoveryForm.LONG, 10, 27), (RecoveryForm.SHORT, 8, 8)]
)
def test_recovery_codes_look_as_documented_and_nothing_is_stored_to_guess_them_by(
    engine: Engine, form: RecoveryForm, count: int, length: int
):
    ada = person_of(engine)
    codes = make_recovery_codes(engine, ada, form)
    assert len(set(codes.raw)) == count
    assert {len(code) for code in codes.raw} == {length}
    assert {len(hashed) for hashed in codes.hashes} == {32}
    stored = [row.sealed_hash for row in recovery_rows(engine)]
    assert len(stored) == count
    for content in [*(code.encode() for code in codes.raw), *codes.hashes]:
        assert not [sealed for sealed in stored if content in sealed]


def test_recovery_code_counts_in_its_own_row_only(engine: Engine):
    ada = person_of(engine)
    give_device(engine, ada, RFC_SECRET)
    codes = give_recovery_codes(engine, ada, RecoveryForm.LONG)
    first, second = recovery_rows(engine)[:2]

    def swap(transaction):
        for row, other in ((first, second), (second, first)):
            mine = update(RecoveryCode).where(RecoveryCode.id == row.id)
            transaction.execute(mine.values(sealed_hash=other.sealed_hash))

    engine.database.transact(swap)
    outcomes = Counter(outcome_of(lambda code=code: prove(engine, ada, code, None)) for code in codes)
    assert outcomes == {"proven": 8, "recovery_code_invalid": 2}


def test_short_recovery_codes_are_read_in_any_case_and_long_ones_are_not(engine: Engine):
    ada = person_of(engine)
    give_device(engine, ada, RFC_SECRET)
    short = give_recovery_codes(engine, ada, RecoveryForm.SHORT)
    assert prove(engine, ada, f" {short[0].upper()} ", None) == "proven"
    long = give_recovery_codes(engine, ada, RecoveryForm.LONG)
    with pytest.raises(AuthError):
        prove(engine, ada, long[0].swapcase(), None)
    with pytest.raises(AuthError):
        prove(engine, ada, short[1], None)
    assert prove(engine, ada, long[0], None) == "proven"


def test_recovery_code_of_another_person_is_none(engine: Engine):
    ada, bob = person_of(engine), person_of(engine, "bob@example.test")
    for person in (ada, bob):
        give_device(engine, person, RFC_SECRET)
    codes = give_recovery_codes(engine, ada, RecoveryForm.LONG)
    give_recovery_codes(engine, bob, RecoveryForm.LONG)
    with pytest.raises(AuthError) as refused:
        prove(engine, bob, codes[0], None)
    assert refused.value.code == "recovery_code_invalid"


def test_secrets_of_two_people_cannot_be_swapped(engine: Engine, clock: FrozenClock):
    ada, bob = person_of(engine), person_of(engine, "bob@example.test")
    adas = give_device(engine, ada, RFC_SECRET)
    bobs = give_device(engine, bob, pyotp.random_base32())

    def swap(transaction):
        for device, other in ((adas, bobs), (bobs, adas)):
            transaction.execute(
                update(TotpDevice)
                .where(TotpDevice.id == device.id)
                .values(encrypted_secret=other.encrypted_secret)
            )

    engine.database.transact(swap)
    code = pyotp.TOTP(RFC_SECRET).at(clock.now())
    for person in (ada, bob):
        with pytest.raises(InvalidSecondFactor):
            prove(engine, person, code)


def test_secret_that_a_former_key_sealed_is_sealed_anew_when_it_is_used(app_for, clock: FrozenClock):
    former: Engine = app_for(secret_key="former-" + SECRET).extensions["keyturn"].engine
    ada = person_of(former)
    device = give_device(former, ada, RFC_SECRET)
    now: Engine = (
        app_for(secret_key_fallbacks="former-" + SECRET, secret_key=SECRET).extensions["keyturn"].engine
    )
    assert prove(now, ada, pyotp.TOTP(RFC_SECRET).at(clock.now())) == "proven"
    stored = now.database.transact(lambda transaction: transaction.get(TotpDevice, device.id))
    assert stored.encrypted_secret != device.encrypted_secret
    assert Keyring([SECRET]).signing(Purpose.TOTP_SECRET) == now.keyring.signing(Purpose.TOTP_SECRET)
    assert RFC_SECRET.encode() not in stored.encrypted_secret


@pytest.mark.parametrize("sealed", [b"\0" * 60, b"short", b""])
def test_app_that_cannot_be_opened_keeps_no_other_from_its_code(
    engine: Engine, clock: FrozenClock, caplog: pytest.LogCaptureFixture, sealed: bytes
):
    ada = person_of(engine)
    broken = give_device(engine, ada, RFC_SECRET)
    other = give_device(engine, ada, pyotp.random_base32())
    secret = unsealed(engine, other)
    engine.database.transact(
        lambda transaction: transaction.execute(
            update(TotpDevice).where(TotpDevice.id == broken.id).values(encrypted_secret=sealed)
        )
    )

    with pytest.raises(InvalidSecondFactor):
        prove(engine, ada, pyotp.TOTP(RFC_SECRET).at(clock.now()))

    refused = engine.events_of(ada.id, limit=1)[0]
    assert (refused.kind, refused.details) == ("account:mfa:refused", {"method": "totp"})
    [record] = [record for record in caplog.records if "cannot be opened" in record.getMessage()]
    assert str(broken.id) in record.getMessage()
    assert not [hidden for hidden in (RFC_SECRET, secret) if hidden in caplog.text]
    assert prove(engine, ada, pyotp.TOTP(secret).at(clock.now())) == "proven"


def unsealed(engine: Engine, device: TotpDevice) -> str:
    place = f"{device.user_id}\n{device.id}".encode()
    return unseal(engine.keyring.verifying(Purpose.TOTP_SECRET), device.encrypted_secret, place)[0].decode()


def test_effect_that_fails_spends_no_code(engine: Engine, clock: FrozenClock):
    ada = person_of(engine)
    give_device(engine, ada, RFC_SECRET)
    code = pyotp.TOTP(RFC_SECRET).at(clock.now())

    def fail(_transaction, _user):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        engine.second_factors.prove(Holder(ada, ""), FactorMethod.TOTP, code, fail, HERE)
    assert prove(engine, ada, code) == "proven"
