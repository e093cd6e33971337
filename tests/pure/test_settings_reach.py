"""Whatever is set has an effect, or is refused: the whole table, against each contract alone."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app import contracts
from config import ConfigurationError, Offer, model, resolve_settings, table
from tests.pure.test_settings import INSTANCE, KEY, OLDER_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from config import Problem, Settings

APP = Path(__file__).parents[2] / "app"
KNOWN = contracts.defaults()
HTTPS = {"PUBLIC_URL": "https://id.example.org"}

# One value of each setting that is not its default and asks for something; the key stands for itself.
ASKING = {
    "ENV": "testing",
    "CONTRACTS": "",
    "SECRET_KEY": KEY,
    "SECRET_KEY_FALLBACKS": OLDER_KEY,
    "JWT_ALGORITHM": "HS256",
    "ACCESS_TOKEN_TYPE": "client",
    "ACCESS_TOKEN_CHECK": "session",
    "ACCESS_TOKEN_SECONDS": "60",
    "SESSION_INACTIVITY_SECONDS": "7000",
    "SESSION_ABSOLUTE_SECONDS": "700000",
    "REFRESH_GRACE_SECONDS": "7",
    "REFRESH_RECOVERY_SECONDS": "700",
    "SESSION_RETENTION_SECONDS": "70",
    "EVENT_RETENTION_SECONDS": "90000",
    "DATABASE_URL": "postgresql+psycopg://u@h/d",
    "DATABASE_POOL_SIZE": "7",
    "DATABASE_POOL_TIMEOUT_SECONDS": "7",
    "DATABASE_LOCK_TIMEOUT_SECONDS": "7",
    "DATABASE_ASYNCHRONOUS_ROTATION": "false",
    "DATABASE_TRANSACTION_POOLING": "true",
    "REDIS_URL": "redis://h:6379/0",
    "PUBLIC_URL": "https://id.example.org",
    "ALLOWED_ORIGINS": "https://app.example.org",
    "TRUSTED_PROXIES": "1",
    "MAX_BODY_BYTES": "7000",
    "PAGES": "/me",
    "PAGES_HOME": "/app",
    "COOKIE_SECURE": "true",
    "COOKIE_SAME_SITE": "Strict",
    "COOKIE_DOMAIN": "example.org",
    "COOKIE_PREFIX": "secure",
    "CSRF_DOUBLE_SUBMIT": "true",
    "PASSWORD_MINIMUM_LENGTH": "15",
    "PASSWORD_MAXIMUM_LENGTH": "64",
    "PASSWORD_STRENGTH": "3",
    "BREACHED_PASSWORDS_URL": "https://ranges.example.org/range/",
    "PASSWORD_RESET_SECONDS": "700",
    "PASSWORD_ARGON2_MEMORY_KIB": "65536",
    "PASSWORD_ARGON2_ITERATIONS": "3",
    "PASSWORD_ARGON2_PARALLELISM": "2",
    "PASSWORD_HASH_CONCURRENCY": "3",
    "PASSWORDLESS": "true",
    "CODE_SECONDS": "70",
    "MESSAGES_PER_HOUR": "7",
    "MFA_METHODS": "totp",
    "MFA_REQUIRED": "true",
    "MFA_ISSUER": "Example",
    "TRUSTED_DEVICE_SECONDS": "7",
    "REAUTHENTICATION_SECONDS": "70",
    "LOGIN_ATTEMPTS": "7",
    "LOGIN_WINDOW_SECONDS": "7",
    "LOGIN_LOCK_SECONDS": "7",
    "LOGIN_ACCOUNT_ATTEMPTS": "7",
    "LOGIN_ACCOUNT_WINDOW_SECONDS": "7",
    "RATE_LIMIT_LOGIN": "7 per minute",
    "RATE_LIMIT_SIGNUP": "7 per minute",
    "RATE_LIMIT_REFRESH": "7 per minute",
    "RATE_LIMIT_PASSWORD": "7 per minute",
    "MAIL_URL": "smtp://mail.example.org",
    "SMS_URL": "https://gateway.example.org/send",
    "MAIL_FROM": "accounts@example.org",
}
BESIDE = {
    "REFRESH_RECOVERY_SECONDS": {"REFRESH_GRACE_SECONDS": "7"},
    "DATABASE_TRANSACTION_POOLING": {"DATABASE_URL": "postgresql+psycopg://u@h/d"},
    "ACCESS_TOKEN_TYPE": HTTPS,
    "COOKIE_DOMAIN": HTTPS,
    "PASSWORDLESS": {"MAIL_URL": "smtp://mail.example.org"},
    "MAIL_FROM": {"MAIL_URL": "smtp://mail.example.org"},
}
PAGES = {"PAGES", "PAGES_HOME"}
COOKIES = {name for name in ASKING if name.startswith(("COOKIE_", "CSRF_"))}
OFFERED = {
    Offer.SIGN_UP: {"RATE_LIMIT_SIGNUP"},
    Offer.PASSWORD_CHANGES: {"RATE_LIMIT_PASSWORD"},
    Offer.PASSWORD_RESETS: {"PASSWORD_RESET_SECONDS"},
    Offer.PHONE_NUMBERS: {"SMS_URL"},
    Offer.LOGIN_CODES: {"PASSWORDLESS"},
    Offer.SECOND_FACTORS: {
        "CODE_SECONDS",
        "MFA_METHODS",
        "MFA_ISSUER",
        "MFA_REQUIRED",
    },
    Offer.TRUSTED_DEVICES: {"TRUSTED_DEVICE_SECONDS"},
    Offer.RECENT_PROOFS: {"REAUTHENTICATION_SECONDS"},
    Offer.LOGIN_RULE: {"LOGIN_ATTEMPTS", "LOGIN_WINDOW_SECONDS", "LOGIN_LOCK_SECONDS"},
}
# By what one sees in the source of a contract that it makes the offer.
EVIDENCE = {
    Offer.SIGN_UP: r'limit="signup"',
    Offer.PASSWORD_CHANGES: r'limit="password"',
    Offer.PASSWORD_RESETS: r"engine\.password_resets\b",
    Offer.PHONE_NUMBERS: r"engine\.verification\b",
    Offer.LOGIN_CODES: r"engine\.passwordless\b",
    Offer.SECOND_FACTORS: r"engine\.second_factors\b",
    Offer.TRUSTED_DEVICES: r"engine\.trusted_devices\b",
    Offer.RECENT_PROOFS: r"errors\.ReauthenticationRequired\b",
    Offer.LOGIN_RULE: r"\A(?!.*ThrottleRule\()",
}


def resolved(environ: Mapping[str, str]) -> Settings:
    names = {f"KEYTURN_{name}": text for name, text in environ.items() if text}
    return resolve_settings({"KEYTURN_SECRET_KEY": KEY, **names}, KNOWN, INSTANCE)


def problems(**environ: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        resolved(environ)
    return caught.value.problems


def is_read_by(name: str, contract: str) -> bool:
    needed = [offer for offer, names in OFFERED.items() if name in names]
    if name in COOKIES | PAGES:
        return KNOWN[contract].carries_pages
    return all(offer in KNOWN[contract].offers for offer in needed)


def source_of(contract: str) -> str:
    place = APP / "contracts" / contract
    files = sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return "\n".join(path.read_text("utf-8") for path in files)


def leaves() -> Iterator[str]:
    for kind in vars(model).values():
        if dataclasses.is_dataclass(kind) and kind.__name__.endswith("Settings"):
            yield from (field.name for field in dataclasses.fields(kind))


def test_a_setting_joins_the_table_with_a_value_that_asks_for_something() -> None:
    assert [f"KEYTURN_{name}" for name in ASKING] == [setting.name for setting in table.ALL]


@pytest.mark.parametrize("contract", KNOWN)
@pytest.mark.parametrize("name", [name for name in ASKING if name != "CONTRACTS"])
def test_a_setting_has_an_effect_with_a_contract_or_is_refused(name: str, contract: str) -> None:
    environ = {"CONTRACTS": contract, **BESIDE.get(name, {}), name: ASKING[name]}

    if is_read_by(name, contract):
        resolved(environ)
    else:
        assert [problem.name for problem in problems(**environ)] == [f"KEYTURN_{name}"]


@pytest.mark.parametrize("offer", Offer)
@pytest.mark.parametrize("contract", KNOWN)
def test_a_contract_offers_what_its_source_does(contract: str, offer: Offer) -> None:
    is_done = re.search(EVIDENCE[offer], source_of(contract), re.DOTALL) is not None

    assert (offer in KNOWN[contract].offers) == is_done


def test_every_field_of_the_settings_is_read_by_the_service() -> None:
    trees = [ast.parse(path.read_text("utf-8")) for path in APP.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    # An operation names its limit, by which it is looked up.
    limits = {
        ast.unparse(node.value) for node in nodes if isinstance(node, ast.keyword) and node.arg == "limit"
    }

    assert {name for name in set(leaves()) - read if repr(name) not in limits} == set()


def test_text_messages_as_a_factor_are_refused_where_no_contract_proves_numbers() -> None:
    (problem,) = problems(CONTRACTS="entryguard", MFA_METHODS="totp,email,sms", ENV="testing")

    assert problem.name == "KEYTURN_MFA_METHODS"
    assert "offers sms, and no contract that is served proves phone numbers" in problem.message


@pytest.mark.parametrize("transport", ["cookie", "client"])
def test_cookies_can_be_set_up_where_any_contract_sends_them(transport: str) -> None:
    sending = {"CONTRACTS": "falcon_alert", "ACCESS_TOKEN_TYPE": transport, **HTTPS}
    for name in sorted(COOKIES):
        resolved({**sending, name: ASKING[name]})


@pytest.mark.parametrize(
    ("name", "environ", "reason"),
    [
        ("PASSWORDLESS", {"PASSWORDLESS": "true", "MAIL_URL": "smtp://h"}, "Serve nest_auth, or remove it."),
        ("MAIL_FROM", {"MAIL_FROM": "a@example.org"}, "Set KEYTURN_MAIL_URL=smtp"),
        (
            "COOKIE_PREFIX",
            {"COOKIE_PREFIX": "secure"},
            "Serve nest_auth, set KEYTURN_ACCESS_TOKEN_TYPE=cookie",
        ),
        ("SEVEN_G__ACCESS_TOKEN_TYPE", {"SEVEN_G__ACCESS_TOKEN_TYPE": "header"}, "seven_g is not served"),
        (
            "ACCESS_TOKEN_SECONDS",
            {"ACCESS_TOKEN_SECONDS": "60", "FALCON_ALERT__ACCESS_TOKEN_SECONDS": "70"},
            "a setting of its own",
        ),
        (
            "REFRESH_GRACE_SECONDS",
            {"REFRESH_GRACE_SECONDS": "0", "FALCON_ALERT__REFRESH_GRACE_SECONDS": "7"},
            "a setting of its own",
        ),
    ],
)
def test_what_would_do_nothing_is_refused_with_what_it_lacks(
    name: str, environ: dict[str, str], reason: str
) -> None:
    (problem,) = problems(CONTRACTS="falcon_alert", **environ)

    assert problem.name == f"KEYTURN_{name}"
    assert reason in problem.message


def test_switching_off_what_is_not_there_and_defaults_are_accepted() -> None:
    off = {"PASSWORDLESS": "false", "TRUSTED_DEVICE_SECONDS": "0", "RATE_LIMIT_PASSWORD": "off"}
    resolved({"CONTRACTS": "seven_g", "CODE_SECONDS": "600", "PAGES": "off", **off})
    resolved({"ACCESS_TOKEN_TYPE": "header", "NEST_AUTH__ACCESS_TOKEN_TYPE": "cookie"})


def test_a_general_setting_is_read_where_one_contract_has_none_of_its_own() -> None:
    resolved(
        {
            "CONTRACTS": "falcon_alert,oauth2",
            "ACCESS_TOKEN_SECONDS": "60",
            "FALCON_ALERT__ACCESS_TOKEN_SECONDS": "70",
        }
    )


def test_a_home_is_refused_where_pages_are_switched_off() -> None:
    (problem,) = problems(PAGES="off", PAGES_HOME="/app")

    assert problem.name == "KEYTURN_PAGES_HOME"
    assert "KEYTURN_PAGES=off serves none" in problem.message
