"""Invitations when many act at the same moment, on real databases."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.delivery import MemorySender
from app.engine.accounts import Registration
from app.engine.client import Client
from app.engine.engine import Engine
from app.engine.errors import AuthError
from app.models import Membership
from tests.conftest import AppFor, on_every_database, runtime_of

HERE = Client(ip_address="192.0.2.1", user_agent="Firefox")
SLUG = "works"


@pytest.fixture
def engine(app_for: AppFor) -> Engine:
    app: Flask = app_for(
        login_attempts=100,
        database_pool_size=12,
        database_pool_timeout_seconds=60,
        database_lock_timeout_seconds=30,
    )
    engine = runtime_of(app).engine
    engine.organizations.create(slug=SLUG, name="Works")
    return engine


def invite(engine: Engine, email: str, limit: int | None = None) -> None:
    registration = Registration(password=None, email=email, organization_slug=SLUG, organization_limit=limit)
    engine.invitations.invite(registration, HERE, path="/p?token=")


def outcomes_of(count: int, work: Callable[[int], object]) -> Counter[str]:
    def outcome(turn: int) -> str:
        try:
            work(turn)
        except AuthError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(12) as threads:
        return Counter(threads.map(outcome, range(count)))


def members(engine: Engine) -> int:
    counted = select(func.count()).select_from(Membership)
    return engine.database.transact(lambda transaction: transaction.scalar(counted))


@on_every_database
def test_of_fifty_acceptances_at_once_one_sets_the_password(engine: Engine, outbox: MemorySender):
    invite(engine, "bea@example.test")
    token = outbox.messages[-1].text.partition("token=")[2].split()[0]

    def accept(turn: int) -> None:
        password = f"a quite different staple {turn}"
        engine.invitations.accept(token, password, HERE, engine.login_rule)

    outcomes = outcomes_of(50, accept)
    assert outcomes["done"] == 1
    assert set(outcomes) <= {"done", "code_invalid", "current_password_incorrect"}
    assert members(engine) == 1


@on_every_database
def test_an_organization_is_never_fuller_than_it_may_be(engine: Engine, outbox: MemorySender):
    outcomes = outcomes_of(20, lambda turn: invite(engine, f"user{turn}@example.test", limit=3))
    assert outcomes == {"done": 3, "organization_full": 17}
    assert (members(engine), len(outbox.messages)) == (3, 3)
    assert len(engine.accounts.list_all(limit=10)) == 3
