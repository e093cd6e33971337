"""Sealing anew on a real database: all of it ends under the signing key, and no other change is undone."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Transaction

from app.engine.engine import Engine
from app.engine.mfa import Holder, RecoveryForm, Resealed
from app.models import TotpDevice
from app.primitives.clock import FrozenClock
from app.primitives.keyring import Purpose
from app.primitives.sealing import seal
from tests.conftest import SECRET, AppFor, on_every_database
from tests.engine.factors import (
    HERE,
    RFC_SECRET,
    give_device,
    give_recovery_codes,
    outcome_of,
    person_of,
    prove,
    racing_engine,
    recovery_rows,
)

pytestmark = on_every_database
FORMER = "former-" + SECRET
NOTHING = Resealed(renewed=0, unopened=0)


@pytest.fixture
def former(app_for: AppFor) -> Engine:
    return racing_engine(app_for, secret_key=FORMER)


@pytest.fixture
def both(app_for: AppFor) -> Engine:
    """A process that signs with the new key and still knows the former one."""
    return racing_engine(app_for, secret_key_fallbacks=FORMER)


@pytest.fixture
def later(app_for: AppFor) -> Engine:
    """A process that knows the new key only."""
    return racing_engine(app_for)


def device_row(engine: Engine) -> TotpDevice:
    return engine.database.transact(lambda transaction: transaction.scalars(select(TotpDevice)).one())


def while_open(engine: Engine, both: Engine, change: Any) -> Resealed:
    """Seal anew while a transaction that has made a change is still open, which ends only after a while."""
    done: list[Resealed] = []
    thread = threading.Thread(target=lambda: done.append(both.resealing.run()))

    def work(transaction: Transaction) -> None:
        change(transaction)
        thread.start()
        time.sleep(0.5)

    engine.database.transact(work)
    thread.join()
    return done[0]


def test_former_key_is_needed_for_nothing_afterwards(
    former: Engine, both: Engine, later: Engine, clock: FrozenClock
):
    ada = person_of(former)
    give_device(former, ada, RFC_SECRET)
    codes = give_recovery_codes(former, ada, RecoveryForm.SHORT)
    with_new_key = give_recovery_codes(both, person_of(former, "bob@example.test"), RecoveryForm.LONG)
    before = {row.id: row.sealed_hash for row in recovery_rows(both)}

    assert both.resealing.run() == Resealed(renewed=9, unopened=0)

    after = {row.id: row.sealed_hash for row in recovery_rows(both)}
    assert sum(before[row_id] == after[row_id] for row_id in before) == len(with_new_key)
    assert both.resealing.run() == later.resealing.run() == NOTHING
    assert prove(later, ada, pyotp.TOTP(RFC_SECRET).at(clock.now())) == "proven"
    assert [prove(later, ada, code, None) for code in codes] == ["proven"] * 8


def test_more_rows_than_one_slice_has_are_all_sealed_anew(former: Engine, both: Engine, later: Engine):
    for number in range(51):
        give_recovery_codes(former, person_of(former, f"{number}@example.test"), RecoveryForm.LONG)

    assert both.resealing.run() == Resealed(renewed=510, unopened=0)
    assert later.resealing.run() == NOTHING


def test_what_no_key_opens_is_counted_and_logged_and_holds_nothing_up(
    former: Engine, both: Engine, later: Engine, caplog: pytest.LogCaptureFixture
):
    ada = person_of(former)
    device = give_device(former, ada, RFC_SECRET)
    give_recovery_codes(former, ada, RecoveryForm.LONG)
    former.database.transact(
        lambda transaction: transaction.execute(update(TotpDevice).values(encrypted_secret=b"\0" * 60))
    )

    assert both.resealing.run() == Resealed(renewed=10, unopened=1)
    [record] = [record for record in caplog.records if "cannot be opened" in record.getMessage()]
    assert str(device.id) in record.getMessage()
    assert device_row(both).encrypted_secret == b"\0" * 60
    assert later.resealing.run() == Resealed(renewed=0, unopened=1)


def test_code_that_is_being_spent_stays_spent(former: Engine, both: Engine):
    ada = person_of(former)
    give_device(both, ada, RFC_SECRET)
    codes = give_recovery_codes(former, ada, RecoveryForm.LONG)
    done: list[Resealed] = []
    thread = threading.Thread(target=lambda: done.append(both.resealing.run()))

    def effect(_transaction: Transaction, _user: object) -> None:
        thread.start()
        time.sleep(0.5)

    both.second_factors.prove(Holder(ada, "a session"), None, codes[0], effect, HERE)
    thread.join()

    assert done == [Resealed(renewed=9, unopened=0)]
    assert both.second_factors.status(ada.id).recovery_codes_left == 9
    assert outcome_of(lambda: prove(both, ada, codes[0], None)) == "recovery_code_invalid"
    assert prove(both, ada, codes[1], None) == "proven"


def test_row_that_is_being_sealed_anew_elsewhere_is_left_alone(former: Engine, both: Engine):
    ada = person_of(former)
    device = give_device(former, ada, RFC_SECRET)
    place = f"{ada.id}\n{device.id}".encode()
    newer = seal(both.keyring.signing(Purpose.TOTP_SECRET), b"A" * 32, place)

    def change(transaction: Transaction) -> None:
        transaction.execute(update(TotpDevice).values(encrypted_secret=newer))

    assert while_open(former, both, change) == NOTHING
    assert device_row(both).encrypted_secret == newer


def test_every_code_counts_once_while_two_operators_seal_anew(former: Engine, both: Engine, later: Engine):
    ada = person_of(former)
    give_device(former, ada, RFC_SECRET)
    codes = give_recovery_codes(former, ada, RecoveryForm.LONG)

    def spend(code: str) -> str:
        return outcome_of(lambda: prove(both, ada, code, None))

    with ThreadPoolExecutor(6) as threads:
        runs = [threads.submit(both.resealing.run) for _ in range(2)]
        outcomes = Counter(threads.map(spend, codes[:8] * 3))
        assert {run.result().unopened for run in runs} == {0}

    assert outcomes == {"proven": 8, "recovery_code_invalid": 16}
    assert later.resealing.run() == NOTHING
    assert [prove(later, ada, code, None) for code in codes[8:]] == ["proven"] * 2
