"""`keys reseal`."""

import json

import pytest
from sqlalchemy import update

from app.engine.mfa import RecoveryForm
from app.models import TotpDevice
from tests.cli.conftest import EMAIL, PASSWORD, Make, Service
from tests.engine.factors import RFC_SECRET, give_device, give_recovery_codes

OLD, NEW = "old-7Qm2xVb9LpZr4TnWc6JdHs1YfGu8EaX3oNi5R0q", "new-k7Qm2xVb9LpZr4TnWc6JdHs1YfGu8EaX3oNi5R0q"


@pytest.fixture
def former(make: Make) -> Service:
    """A service under the old key, and one person with an app and eight recovery codes."""
    service = make(SECRET_KEY=OLD)
    service.run("users", "create", "--email", EMAIL, "--password", PASSWORD)
    give_device(service.engine, service.person(), RFC_SECRET)
    give_recovery_codes(service.engine, service.person(), RecoveryForm.SHORT)
    return service


def test_what_was_sealed_anew_is_counted_once(former: Service, make: Make):
    both = make(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=OLD)

    assert both.run("keys", "reseal").stdout == "Sealed anew: 9. Could not be opened: 0.\n"
    assert both.run_json("keys", "reseal") == {"renewed": 0, "unopened": 0}


def test_what_no_key_opens_ends_in_a_failure_and_the_rest_is_done(former: Service, make: Make):
    former.engine.database.transact(
        lambda transaction: transaction.execute(update(TotpDevice).values(encrypted_secret=b"\0" * 60))
    )
    both = make(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=OLD)

    failed = both.run("keys", "reseal", exits=1)
    assert failed.stdout == "Sealed anew: 8. Could not be opened: 1.\n"
    again = both.run("keys", "reseal", "--json", exits=1)
    assert json.loads(again.stdout) == {"renewed": 0, "unopened": 1}


def test_key_that_was_dropped_too_early_is_told(former: Service, make: Make):
    failed = make(SECRET_KEY=NEW).run("keys", "reseal", exits=1)
    assert failed.stdout == "Sealed anew: 0. Could not be opened: 9.\n"


def test_database_that_is_away_is_told(make: Make):
    failed = make(tables=False).run("keys", "reseal", exits=3)
    assert "check" in failed.stderr
