"""Second factors on a real database: each code counts once, whoever else tries at the same moment."""

import base64
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pyotp
import pytest
from sqlalchemy import select, update

from app.engine.accounts import Registration
from app.engine.client import Client
from app.engine.engine import Engine
from app.engine.errors import AuthError, InvalidSecondFactor
from app.engine.mfa import Holder, RecoveryForm
from app.engine.snapshot import PersonRow
from app.models import RecoveryCode, TotpDevice, User
from app.primitives.clock import FrozenClock
from app.primitives.keyring import Keyring, Purpose
from app.primitives.sealing import seal
from config import FactorMethod
from tests.conftest import SECRET, START, on_every_database

HERE = Client(ip_address="192.0.2.1", user_agent="Firefox")
# RFC 6238 appendix B: the SHA-1 rows, of which the last six digits are a code of six.
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_CODES = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


def person_of(engine: Engine, email: str = "ada@example.test") -> PersonRow:
    registration = Registration(password="correct horse battery", email=email)
    return engine.accounts.register(registration, HERE)


def give_device(engine: Engine, person: PersonRow, secret: str) -> TotpDevice:
    """Put a proven authenticator app past the enrolment, so that its secret is known."""
    device_id, now = uuid4(), engine.clock.now()
    key = engine.keyring.signing(Purpose.TOTP_SECRET)
    device = TotpDevice(
        id=device_id,
        user_id=person.id,
        name="Phone",
        encrypted_secret=seal(key, secret.encode(), f"{person.id}\n{device_id}".encode()),
        last_step=0,
        created_at=now,
        confirmed_at=now,
    )

    def work(transaction):
        transaction.add(device)
        transaction.execute(update(User).where(User.id == person.id).values(mfa_enabled=True))

    engine.database.transact(work)
    return device


def prove(
    engine: Engine, person: PersonRow, typed: str, method: FactorMethod | None = FactorMethod.TOTP
) -> str:
    return engine.second_factors.prove(
        Holder(person, "a session"), method, typed, lambda _transaction, _user: "proven", HERE
    )


def outcomes_of(count: int, attempt: Callable[[], str]) -> Counter[str]:
    def outcome(_: int) -> str:
        try:
            return attempt()
        except AuthError as error:
            return error.code

    with ThreadPoolExecutor(12) as threads:
        return Counter(threads.map(outcome, range(count)))


def racing_engine(app_for) -> Engine:
    """Return an engine whose limits let fifty tries through, so that the race alone decides."""
    app = app_for(
        database_pool_size=12,
        database_pool_timeout_seconds=60,
        database_lock_timeout_seconds=30,
        login_attempts=100,
        login_account_attempts=100,
    )
    return app.extensions["keyturn"].engine


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


def give_recovery_codes(engine: Engine, person: PersonRow, form: RecoveryForm) -> list[str]:
    factors = engine.second_factors._factors  # noqa: SLF001 - making codes asks for a session otherwise
    codes = factors.recovery_codes.make(person.id, form)
    engine.database.transact(
        lambda transaction: factors.recovery_codes.replace_within(transaction, person.id, codes)
    )
    return codes.raw


@pytest.mark.parametrize(
    ("form", "count", "length"), [(RecoveryForm.LONG, 10, 27), (RecoveryForm.SHORT, 8, 8)]
)
def test_recovery_codes_look_as_documented_and_are_stored_as_hashes(
    engine: Engine, form: RecoveryForm, count: int, length: int
):
    ada = person_of(engine)
    codes = give_recovery_codes(engine, ada, form)
    assert len(set(codes)) == count
    assert {len(code) for code in codes} == {length}
    stored = engine.database.transact(
        lambda transaction: list(transaction.scalars(select(RecoveryCode.hashed_code)))
    )
    assert {len(hashed) for hashed in stored} == {64}
    assert not [code for code in codes if any(code in hashed for hashed in stored)]


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


def test_effect_that_fails_spends_no_code(engine: Engine, clock: FrozenClock):
    ada = person_of(engine)
    give_device(engine, ada, RFC_SECRET)
    code = pyotp.TOTP(RFC_SECRET).at(clock.now())

    def fail(_transaction, _user):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        engine.second_factors.prove(Holder(ada, ""), FactorMethod.TOTP, code, fail, HERE)
    assert prove(engine, ada, code) == "proven"
