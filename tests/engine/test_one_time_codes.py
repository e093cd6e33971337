"""One-time codes on a real database: spent once, burnt by guessing, bound to purpose and person."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import Registration
from app.engine.client import Client
from app.engine.code_forms import CodeForm
from app.engine.engine import Engine
from app.engine.errors import AccountLocked, AuthError, CodeExpired, InvalidCode
from app.engine.one_time_codes import CodePurpose, Redeemed
from app.models import OneTimeCode, SecurityEvent
from app.primitives.clock import FrozenClock
from tests.conftest import on_every_database

HERE = Client(ip_address="192.0.2.1", user_agent="Firefox")
LIFETIME = timedelta(minutes=10)
EMAIL = CodePurpose.EMAIL_VERIFICATION


@pytest.fixture
def ada(engine: Engine) -> int:
    registration = Registration(password="correct horse battery", email="ada@example.test")
    return engine.accounts.register(registration, HERE).id


def issue(
    engine: Engine, user_id: int, purpose: CodePurpose = EMAIL, form: CodeForm = CodeForm.DIGITS
) -> str:
    return engine.database.transact(
        lambda transaction: engine.codes.issue_within(
            transaction, purpose, user_id, form=form, lifetime=LIFETIME, payload={"n": 1}
        )
    )


def show(_transaction: Transaction, redeemed: Redeemed) -> tuple[int, dict[str, int]]:
    return redeemed.user.id, redeemed.payload


def redeem(
    engine: Engine,
    user_id: int | None,
    typed: str,
    purpose: CodePurpose = EMAIL,
    client: Client = HERE,
):
    return engine.codes.redeem(purpose, user_id, typed, show, client, claimed=f"email:{user_id}@example.test")


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def outcome_of(work: Callable[[], object]) -> str:
    try:
        work()
    except AuthError as error:
        return error.code
    return "redeemed"


def all_rows(engine: Engine) -> list[OneTimeCode]:
    return engine.database.transact(lambda transaction: list(transaction.scalars(select(OneTimeCode))))


def refusals(engine: Engine) -> list[SecurityEvent]:
    statement = select(SecurityEvent).where(SecurityEvent.kind == "account:code:refused")
    return engine.database.transact(lambda transaction: list(transaction.scalars(statement)))


def test_code_is_good_once_and_leaves_nothing_behind(engine: Engine, ada: int):
    code = issue(engine, ada)
    assert redeem(engine, ada, f" {code[:3]} {code[3:]}") == (ada, {"n": 1})
    assert all_rows(engine) == []
    with pytest.raises(InvalidCode):
        redeem(engine, ada, code)


@on_every_database
@pytest.mark.parametrize("form", CodeForm)
def test_of_fifty_parallel_redemptions_one_succeeds(app_for, form: CodeForm):
    app = app_for(login_attempts=100, database_pool_size=12, database_pool_timeout_seconds=60)
    engine: Engine = app.extensions["keyturn"].engine
    ada = engine.accounts.register(Registration(password="correct horse battery", email="a@b.test"), HERE).id
    code = issue(engine, ada, form=form)

    def present(_turn: int) -> str:
        if form is CodeForm.TOKEN:
            return outcome_of(lambda: engine.codes.redeem_token(EMAIL, code, show, HERE))
        return outcome_of(lambda: redeem(engine, ada, code))

    with ThreadPoolExecutor(12) as threads:
        outcomes = Counter(threads.map(present, range(50)))

    assert outcomes["redeemed"] == 1
    assert set(outcomes) <= {"redeemed", "code_invalid"}


@on_every_database
def test_guessing_from_many_addresses_at_once_is_held_to_the_limit(app_for):
    app = app_for(login_attempts=10, database_pool_size=12, database_pool_timeout_seconds=60)
    engine: Engine = app.extensions["keyturn"].engine
    ada = engine.accounts.register(Registration(password="correct horse battery", email="a@b.test"), HERE).id
    wrong = other_than(issue(engine, ada))

    def guess(turn: int) -> str:
        elsewhere = Client(ip_address=f"198.51.100.{turn}", user_agent="curl")
        return outcome_of(lambda: redeem(engine, ada, wrong, client=elsewhere))

    with ThreadPoolExecutor(12) as threads:
        outcomes = Counter(threads.map(guess, range(40)))

    assert outcomes == {"code_invalid": 10, "account_locked": 30}
    assert len(refusals(engine)) == 10


def test_five_wrong_guesses_burn_the_code(engine: Engine, ada: int):
    code = issue(engine, ada)
    for _ in range(5):
        with pytest.raises(InvalidCode):
            redeem(engine, ada, other_than(code))
    assert [row.tries_left for row in all_rows(engine)] == [0]
    with pytest.raises(InvalidCode):
        redeem(engine, ada, code)
    assert [event.user_id for event in refusals(engine)] == [ada] * 6


def test_new_code_does_not_reset_the_count_of_guesses(engine: Engine, ada: int, clock: FrozenClock):
    for _ in range(5):
        wrong = other_than(issue(engine, ada))
        for _ in range(2):
            with pytest.raises(InvalidCode):
                redeem(engine, ada, wrong)
    code = issue(engine, ada)
    with pytest.raises(AccountLocked):
        redeem(engine, ada, code)
    clock.advance(timedelta(minutes=15))
    assert redeem(engine, ada, issue(engine, ada)) == (ada, {"n": 1})


def test_guesses_at_nobody_are_counted_and_answered_like_guesses_at_somebody(engine: Engine, ada: int):
    issue(engine, ada)
    for user_id in (None, ada):
        outcomes = [outcome_of(lambda user_id=user_id: redeem(engine, user_id, "x")) for _ in range(12)]
        assert outcomes == ["code_invalid"] * 10 + ["account_locked"] * 2


def test_new_code_takes_the_place_of_the_former(engine: Engine, ada: int):
    former, code = issue(engine, ada, form=CodeForm.TOKEN), issue(engine, ada, form=CodeForm.TOKEN)
    with pytest.raises(InvalidCode):
        engine.codes.redeem_token(EMAIL, former, show, HERE)
    assert engine.codes.redeem_token(EMAIL, code, show, HERE)[0] == ada


@pytest.mark.parametrize("form", CodeForm)
def test_code_is_worthless_for_another_purpose_or_person(engine: Engine, ada: int, form: CodeForm):
    registration = Registration(password="correct horse battery", email="bob@example.test")
    bob = engine.accounts.register(registration, HERE).id
    code = issue(engine, ada, form=form)
    issue(engine, ada, CodePurpose.PASSWORD_RESET, form=form)
    issue(engine, bob, form=form)
    with pytest.raises(InvalidCode):
        redeem(engine, bob, code)
    with pytest.raises(InvalidCode):
        redeem(engine, ada, code, CodePurpose.PASSWORD_RESET)
    with pytest.raises(InvalidCode):
        engine.codes.redeem_token(CodePurpose.PASSWORD_RESET, code, show, HERE)


def test_only_who_holds_the_right_code_is_told_that_it_came_too_late(
    engine: Engine, ada: int, clock: FrozenClock
):
    code = issue(engine, ada)
    clock.advance(LIFETIME)
    with pytest.raises(CodeExpired):
        redeem(engine, ada, code)
    with pytest.raises(InvalidCode) as refused:
        redeem(engine, ada, other_than(code))
    assert refused.type is InvalidCode


def test_failed_effect_spends_nothing(engine: Engine, ada: int):
    code = issue(engine, ada, form=CodeForm.TOKEN)

    def fail(_transaction: Transaction, _redeemed: Redeemed) -> None:
        raise AccountLocked(timedelta(seconds=1))

    with pytest.raises(AccountLocked):
        engine.codes.redeem_token(EMAIL, code, fail, HERE)
    assert engine.codes.redeem_token(EMAIL, code, show, HERE)[0] == ada


@on_every_database
def test_token_allows_five_tries_however_many_come_at_once(app_for):
    app = app_for(database_pool_size=12, database_pool_timeout_seconds=60)
    engine: Engine = app.extensions["keyturn"].engine
    ada = engine.accounts.register(Registration(password="correct horse battery", email="a@b.test"), HERE).id
    token = issue(engine, ada, CodePurpose.MFA_CHALLENGE, CodeForm.TOKEN)

    with ThreadPoolExecutor(12) as threads:
        outcomes = Counter(
            threads.map(
                lambda _: outcome_of(lambda: engine.codes.attempt(CodePurpose.MFA_CHALLENGE, token, HERE)),
                range(30),
            )
        )

    assert outcomes == {"redeemed": 5, "code_invalid": 25}


def test_good_try_spends_the_token_once(engine: Engine, ada: int):
    token = issue(engine, ada, CodePurpose.MFA_CHALLENGE, CodeForm.TOKEN)
    attempts = [engine.codes.attempt(CodePurpose.MFA_CHALLENGE, token, HERE) for _ in range(2)]
    engine.database.transact(lambda transaction: engine.codes.spend_within(transaction, attempts[0]))
    with pytest.raises(InvalidCode):
        engine.database.transact(lambda transaction: engine.codes.spend_within(transaction, attempts[1]))
    with pytest.raises(InvalidCode):
        engine.codes.attempt(CodePurpose.MFA_CHALLENGE, token, HERE)


def test_codes_of_a_person_who_is_suspended_are_refused(engine: Engine, ada: int):
    code = issue(engine, ada)
    engine.accounts.suspend(ada)
    with pytest.raises(InvalidCode):
        redeem(engine, ada, code)


def test_codes_are_stored_as_keyed_hashes_only(engine: Engine, ada: int):
    secrets = [
        issue(engine, ada, purpose, form) for purpose, form in zip(CodePurpose, CodeForm, strict=False)
    ]
    stored = repr([vars(row) for row in all_rows(engine)])
    assert len(all_rows(engine)) == 3
    assert not [secret for secret in secrets if secret in stored or secret[-43:] in stored]


def test_codes_that_ended_long_ago_are_swept_in_passing(engine: Engine, ada: int, clock: FrozenClock):
    issue(engine, ada)
    clock.advance(timedelta(days=2))
    issue(engine, ada, CodePurpose.PASSWORD_RESET)
    assert [row.purpose for row in all_rows(engine)] == ["password-reset"]


def test_letters_are_easy_to_type_and_read_back_however_they_are_typed(engine: Engine, ada: int):
    code = issue(engine, ada, form=CodeForm.LETTERS)
    assert len(code) == 9
    assert not set(code) & set("AEIOUY0123456789")
    assert redeem(engine, ada, f"  {code.lower().replace('-', ' ')} ")[0] == ada


@pytest.mark.parametrize(
    "damage", [str.swapcase, lambda raw: raw[:-1], lambda raw: raw + "=", lambda _: "ktc_"]
)
def test_damaged_token_is_a_stranger(engine: Engine, ada: int, damage: Callable[[str], str]):
    token = issue(engine, ada, form=CodeForm.TOKEN)
    with pytest.raises(InvalidCode):
        engine.codes.redeem_token(EMAIL, damage(token), show, HERE)
    assert engine.codes.redeem_token(EMAIL, token, show, HERE)[0] == ada
