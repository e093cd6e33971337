"""People with second factors, given to them past the enrolment."""

import base64
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import Registration
from app.engine.client import Client
from app.engine.engine import Engine
from app.engine.errors import AuthError
from app.engine.mfa import Holder, RecoveryForm
from app.engine.mfa.recovery_codes import HashedCodes
from app.engine.snapshot import PersonRow
from app.models import RecoveryCode, TotpDevice, User
from app.primitives.keyring import Purpose
from app.primitives.sealing import seal
from config import FactorMethod
from tests.conftest import AppFor, runtime_of

HERE = Client(ip_address="192.0.2.1", user_agent="Firefox")
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


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

    def work(transaction: Transaction) -> None:
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


def make_recovery_codes(engine: Engine, person: PersonRow, form: RecoveryForm) -> HashedCodes:
    """Give new recovery codes past the session that it takes otherwise."""
    recovery_codes = engine.second_factors._factors.recovery_codes  # noqa: SLF001
    codes = recovery_codes.make(form)
    engine.database.transact(lambda transaction: recovery_codes.replace_within(transaction, person.id, codes))
    return codes


def give_recovery_codes(engine: Engine, person: PersonRow, form: RecoveryForm) -> list[str]:
    return make_recovery_codes(engine, person, form).raw


def recovery_rows(engine: Engine) -> list[RecoveryCode]:
    return engine.database.transact(lambda transaction: list(transaction.scalars(select(RecoveryCode))))


def outcome_of(attempt: Callable[[], str]) -> str:
    try:
        return attempt()
    except AuthError as error:
        return error.code


def outcomes_of(count: int, attempt: Callable[[], str]) -> Counter[str]:
    with ThreadPoolExecutor(12) as threads:
        return Counter(threads.map(lambda _: outcome_of(attempt), range(count)))


def racing_engine(app_for: AppFor, **changes: object) -> Engine:
    """Return an engine whose limits let fifty tries through, so that the race alone decides."""
    app = app_for(
        database_pool_size=12,
        database_pool_timeout_seconds=60,
        database_lock_timeout_seconds=30,
        login_attempts=100,
        login_account_attempts=100,
        **changes,
    )
    return runtime_of(app).engine
