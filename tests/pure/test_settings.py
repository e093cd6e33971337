"""What the environment turns into, and which single values are refused."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse_many

from config import (
    AccessTokenType,
    ConfigurationError,
    ContractDefaults,
    Environment,
    Offer,
    Problem,
    SameSite,
    Secret,
    Settings,
    load_settings,
    resolve_settings,
)
from config.kinds import RATE_LIMIT
from config.problems import Unacceptable
from config.signing_keys import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "k7Qm2xVb9LpZr4TnWc6JdHs1YfGu8EaX3oNi5R0q"
OLDER_KEY = "Zt5vB1nM8kLq3wXy7RcP0dFs6GhJ2uEa9oTi4KmV"
INSTANCE = Path("/srv/keyturn/instance")
NEST_AUTH = ContractDefaults(
    prefix="/auth",
    access_lifetime=timedelta(hours=1),
    inactivity_timeout=timedelta(days=30),
    absolute_lifetime=timedelta(days=90),
    grace=timedelta(seconds=30),
    recovery=timedelta(days=1),
    carries_pages=True,
    offers=frozenset(Offer),
)
STRICT = dataclasses.replace(
    NEST_AUTH,
    prefix="/",
    carries_pages=False,
    offers=frozenset({Offer.SIGN_UP, Offer.PASSWORD_CHANGES, Offer.LOGIN_RULE}),
    grace=timedelta(0),
    recovery=timedelta(0),
)
SEVEN_G = dataclasses.replace(STRICT, prefix="/User", access_dies_at_refresh=True)
CONTRACTS = {"nest_auth": NEST_AUTH, "falcon_alert": STRICT, "seven_g": SEVEN_G}


# What some settings have no effect without.
NOT_WITHOUT = {
    "MAIL_FROM": {"MAIL_URL": "smtp://mail.example.org"},
    "FALCON_ALERT__REFRESH_GRACE_SECONDS": {"CONTRACTS": "falcon_alert"},
}


NO_SENDERS = (
    "nobody",
    "Keyturn <a>",
    "<a@b.example>",
    "a@b.example>",
    "a@b@c.example",
    "a@b.example, c@d.example",
    "Keyturn a@b.example",
    "Keyturn <a@b.example> x",
    "Keyturn <é@b.example>",
    "Keyturn\udc80 <a@b.example>",
    "a@b.org\r\nBcc: c@d.org",
    "Keyturn\r\nBcc: c@d.org <a@b.org>",
)


def settings(**environ: str) -> Settings:
    names = {f"KEYTURN_{name}": text for name, text in environ.items()}
    return resolve_settings({"KEYTURN_SECRET_KEY": KEY, **names}, CONTRACTS, INSTANCE)


def problems(environ: Mapping[str, str]) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        resolve_settings(environ, CONTRACTS, INSTANCE)
    return caught.value.problems


def only_problem(**environ: str) -> Problem:
    names = {f"KEYTURN_{name}": text for name, text in environ.items()}
    (problem,) = problems({"KEYTURN_SECRET_KEY": KEY, **names})
    return problem


def test_a_key_alone_gives_production_settings_with_the_documented_defaults() -> None:
    found = settings()
    (contract,) = found.contracts

    assert found.environment is Environment.PRODUCTION
    assert found.keys.secret_key == Secret(KEY)
    assert found.keys.fallbacks == ()
    assert found.database.url == "sqlite:////srv/keyturn/instance/keyturn.sqlite3"
    assert found.web.public_url == "http://127.0.0.1:8000"
    assert found.web.allowed_origins == ("http://127.0.0.1:8000",)
    assert (found.web.trusted_proxies, found.web.max_body_bytes) == (0, 65536)
    assert (found.cookies.secure, found.cookies.same_site, found.cookies.prefix) == (True, SameSite.LAX, "")
    assert (contract.name, contract.prefix) == ("nest_auth", "/auth")
    assert contract.tokens.access_token_type is AccessTokenType.HEADER
    assert contract.tokens.recovery == timedelta(days=1)
    assert (found.login_throttle.attempts, found.login_throttle.account_attempts) == (10, 100)
    assert found.rate_limits.redis_url is None


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("ENV", "prod", "not one of the choices"),
        ("ACCESS_TOKEN_TYPE", "bearer", "not one of the choices"),
        ("ACCESS_TOKEN_CHECK", "none", "not one of the choices"),
        ("ACCESS_TOKEN_SECONDS", "0", "out of range"),
        ("ACCESS_TOKEN_SECONDS", "1h", "not a whole number"),
        ("ACCESS_TOKEN_SECONDS", "1_000", "not a whole number"),
        ("ACCESS_TOKEN_SECONDS", "٣٠", "not a whole number"),
        ("REFRESH_GRACE_SECONDS", "301", "out of range"),
        ("REFRESH_GRACE_SECONDS", "-1", "not a whole number"),
        ("TRUSTED_PROXIES", "11", "out of range"),
        ("PASSWORD_MINIMUM_LENGTH", "7", "out of range"),
        ("PASSWORD_MAXIMUM_LENGTH", "63", "out of range"),
        ("LOGIN_ACCOUNT_ATTEMPTS", "101", "out of range"),
        ("COOKIE_SECURE", "maybe", "neither true nor false"),
        ("COOKIE_PREFIX", "__Host-", "not one of the choices"),
        ("COOKIE_DOMAIN", ".example.org", "no leading dot"),
        ("COOKIE_DOMAIN", "org", "at least two labels"),
        ("JWT_ALGORITHM", "none", "not an allowed algorithm"),
        ("JWT_ALGORITHM", "HS1", "not an allowed algorithm"),
        ("JWT_ALGORITHM", "EdDSA", "key sets are not available in this version"),
        ("JWT_ALGORITHM", "ES256", "key sets are not available in this version"),
        ("JWT_ALGORITHM", "RS256", "key sets are not available in this version"),
        *(("MAIL_FROM", text, "not one plain mail address") for text in NO_SENDERS),
        ("RATE_LIMIT_LOGIN", "twenty", "not a rate limit"),
        ("RATE_LIMIT_REFRESH", "0 per minute", "not a rate limit"),
        ("RATE_LIMIT_SIGNUP", "5 per fortnight", "not a rate limit"),
        ("RATE_LIMIT_PASSWORD", "none", "not a rate limit"),
        ("RATE_LIMIT_LOGIN", "20 per \u017fecond", "not a rate limit"),
        ("RATE_LIMIT_LOGIN", "5\u00a0per minute", "not a rate limit"),
        ("PUBLIC_URL", "example.org", "does not start with http"),
        ("PUBLIC_URL", "https://", "no valid host"),
        ("PUBLIC_URL", "https://example.org/?a=b", "query or a fragment"),
        ("PUBLIC_URL", "https://example.org/#a", "query or a fragment"),
        ("PUBLIC_URL", "https://me:pass@example.org", "user name or password"),
        ("PUBLIC_URL", "https://example.org:99999", "malformed"),
        ("PUBLIC_URL", "https://example.org:0", "malformed"),
        ("ALLOWED_ORIGINS", "*", "any page"),
        ("ALLOWED_ORIGINS", "https://*.example.org", "any page"),
        ("ALLOWED_ORIGINS", "null", "any page"),
        ("ALLOWED_ORIGINS", "https://example.org/", "goes on after host and port"),
        ("ALLOWED_ORIGINS", "https://example.org, ftp://example.org", "does not start with http"),
        ("DATABASE_URL", "postgresql://u:p@h/d", "write postgresql+psycopg://"),
        ("DATABASE_URL", "postgres://u:p@h/d", "write postgresql+psycopg://"),
        ("DATABASE_URL", "postgresql+psycopg2://u:p@h/d", "write postgresql+psycopg://"),
        ("DATABASE_URL", "mysql://u:p@h/d", "write mysql+pymysql://"),
        ("DATABASE_URL", "mariadb://u:p@h/d", "write mariadb+pymysql://"),
        ("DATABASE_URL", "oracle://u:p@h/d", "not the URL of a supported database"),
        ("DATABASE_URL", "postgresql+psycopg://u:p@h", "no host or no database"),
        ("DATABASE_URL", "sqlite://", "names no file"),
        ("DATABASE_URL", "sqlite:///:memory:", "names no file"),
        ("DATABASE_URL", "sqlite:///:memory:?cache=shared", "cannot serve several connections"),
        ("DATABASE_URL", "sqlite:///?cache=shared", "cannot serve several connections"),
        ("DATABASE_URL", "sqlite:///file::memory:?uri=true", "cannot serve several connections"),
        ("DATABASE_URL", "sqlite:///file:%3Amemory%3A?uri=true", "cannot serve several connections"),
        ("DATABASE_URL", "sqlite:///file:any?mode=memory&uri=true", "cannot serve several connections"),
        ("REDIS_URL", "http://h", "none of the accepted schemes"),
        ("REDIS_URL", "redis://", "incomplete"),
        ("REDIS_URL", "REDIS://h:6379/0", "none of the accepted schemes"),
        ("REDIS_URL", "unix:/run/redis.sock", "none of the accepted schemes"),
        ("REDIS_URL", "unix://run/redis.sock", "incomplete"),
        ("REDIS_URL", "unix://", "incomplete"),
        ("REDIS_URL", "unix:///run/redis.sock?db=x", "options that no connection to Redis knows"),
        ("REDIS_URL", "redis://h/0?unknown=1", "options that no connection to Redis knows"),
        ("REDIS_URL", "rediss://h?ssl_cert_reqs=maybe", "options that no connection to Redis knows"),
        ("REDIS_URL", "redis://h:6379/first", "more than the number of a database"),
        ("REDIS_URL", "redis://me:12/34@h:6379/0", "more than the number of a database"),
        ("REDIS_URL", "redis+sentinel://a:26379,b:26379", "the name that the sentinels know"),
        ("REDIS_URL", "redis+sentinel://a:26379/two/names", "the name that the sentinels know"),
        ("REDIS_URL", "redis+sentinel://a:26379,b/name", "without host or port"),
        ("REDIS_URL", "redis+sentinel://a:26379,/name", "without host or port"),
        ("REDIS_URL", "redis+sentinel://a:99999/name", "malformed"),
        ("MAIL_URL", "https://h", "none of the accepted schemes"),
        ("MAIL_URL", "console", "none of the accepted schemes"),
        ("MAIL_URL", "console:x", "goes on after the colon"),
        ("MAIL_URL", "memory:?x", "goes on after the colon"),
        ("MAIL_URL", "smtp://mail.example.org#x", "holds a #"),
        ("MAIL_URL", "file:", "names no file"),
        ("MAIL_URL", "file:x/", "names no file"),
        ("MAIL_URL", "file://var/x", "names a host"),
        ("MAIL_URL", "smtp://", "incomplete"),
        ("MAIL_URL", "smtp://u:secret@", "incomplete"),
        ("MAIL_URL", "smtp://u:secret@mail.example.org/path", "goes on after host and port"),
        ("MAIL_URL", "smtp://u:12/34@mail.example.org:587", "goes on after host and port"),
        ("MAIL_URL", "smtp://u:sec/ret@mail.example.org", "malformed"),
        ("MAIL_URL", "smtp://u@mail.example.org", "a user without a password"),
        ("MAIL_URL", "smtp://:secret@mail.example.org", "a password without a user"),
        ("MAIL_URL", "smtp://mail.example.org:0", "malformed"),
        ("MAIL_URL", "smtp://u:secret@[mail", "malformed"),
        ("SMS_URL", "smtp://h", "none of the accepted schemes"),
        ("SMS_URL", "https:///send", "incomplete"),
        ("SMS_URL", "https://gateway.example.org/send#", "holds a #"),
        ("SMS_URL", "http://gateway.example.org/send", "only a gateway on this machine goes without https"),
        ("SMS_URL", "http://sms.localhost/send", "only a gateway on this machine goes without https"),
        ("SMS_URL", "https://t%0d%0aX:1@gateway.example.org", "not printable ASCII without spaces"),
        ("BREACHED_PASSWORDS_URL", "file://srv/pwned", "names no path"),
        ("BREACHED_PASSWORDS_URL", "file:/srv/pwned?x", "names no path"),
        ("BREACHED_PASSWORDS_URL", "https:///range/", "incomplete"),
        ("BREACHED_PASSWORDS_URL", "https://h", "five digits"),
        ("BREACHED_PASSWORDS_URL", "https://h/range/#", "holds a #"),
        ("BREACHED_PASSWORDS_URL", "https://u:p@h/range/", "a user or a password"),
        ("CONTRACTS", ",", "names no contract"),
        ("CONTRACTS", "nestauth", "Did you mean nest_auth?"),
        ("CONTRACTS", "nest_auth,nest_auth@/two", "named twice"),
        ("CONTRACTS", "falcon_alert@falcon", "is no path"),
        ("CONTRACTS", "falcon_alert@/falcon/", "is no path"),
        ("CONTRACTS", "falcon_alert@/a/../b", "is no path"),
        ("CONTRACTS", "falcon_alert@", "is no path"),
        ("MFA_ISSUER", "é" * 33, "is not a short name without colons"),
    ],
)
def test_an_unacceptable_value_is_named_with_its_reason(name: str, text: str, reason: str) -> None:
    problem = only_problem(**{name: text})

    assert problem.name == f"KEYTURN_{name}"
    assert reason in problem.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "sqlite:///keyturn.sqlite3"),
        ("DATABASE_URL", "sqlite:///file:/srv/keyturn.sqlite3?mode=rw&uri=true"),
        ("DATABASE_URL", "postgresql+psycopg://u:p@h:5432/d"),
        ("DATABASE_URL", "postgresql+psycopg:///d?host=/run/postgresql"),
        ("DATABASE_URL", "mysql+pymysql://u@h/d"),
        ("DATABASE_URL", "mariadb+pymysql://u@h/d"),
        ("REDIS_URL", "rediss://:p@h:6379/1"),
        ("REDIS_URL", "unix:///run/redis.sock"),
        ("REDIS_URL", "unix:///run/redis.sock?db=2"),
        ("REDIS_URL", "rediss://h/1?ssl_cert_reqs=none"),
        ("REDIS_URL", "redis+sentinel://:p@a:26379,[::1]:26379/keyturn"),
        ("MAIL_URL", "memory:"),
        ("MAIL_URL", "file:outbox"),
        ("MAIL_URL", "CONSOLE:"),
        ("MAIL_URL", "smtps://u:p@h:465"),
        ("MAIL_URL", "smtp://mail.example.org/"),
        ("SMS_URL", "https://gateway.example.org/send"),
        ("SMS_URL", "HTTPS://token@gateway.example.org/send?from=keyturn"),
        ("SMS_URL", "http://localhost:8080/send"),
        ("SMS_URL", "http://[::1]/send"),
        ("SMS_URL", "file:/var/spool/sms"),
        ("BREACHED_PASSWORDS_URL", "file:///srv/pwned/"),
        ("BREACHED_PASSWORDS_URL", "http://ranges.internal:8080/?range="),
        ("MAIL_FROM", "Accounts <accounts@example.org>"),
        ("TEST_SERVICES", "whatever the suite wants"),
        ("TEST_POSTGRES_URL", "another of the suite's names"),
        ("REDIS_URL", ""),
        ("NEST_AUTH__ACCESS_TOKEN_TYPE", "cookie"),
        ("FALCON_ALERT__REFRESH_GRACE_SECONDS", "30"),
        ("MFA_ISSUER", "é" * 32),
    ],
)
def test_every_accepted_spelling_is_accepted(name: str, text: str) -> None:
    settings(**{name: text}, **NOT_WITHOUT.get(name, {}))


def test_origins_are_written_as_browsers_write_them_and_include_the_public_one() -> None:
    web = settings(
        PUBLIC_URL="HTTPS://Accounts.Example.org:443/sign-in/",
        ALLOWED_ORIGINS="https://APP.example.org:443,http://[::1]:3000,https://accounts.example.org",
    ).web

    assert web.public_url == "https://accounts.example.org/sign-in"
    assert web.allowed_origins == (
        "https://accounts.example.org",
        "https://app.example.org",
        "http://[::1]:3000",
    )


def test_off_switches_one_rate_limit_off_and_leaves_the_others() -> None:
    limits = settings(RATE_LIMIT_LOGIN="off", RATE_LIMIT_REFRESH="5/second; 100 per 2 hours").rate_limits

    assert limits.login is None
    assert limits.refresh == "5/second; 100 per 2 hours"
    assert limits.signup == "20 per hour"


@given(st.from_regex(r"\A ?[1-9]{1,2} ?(/|per) ?[1-9]? ?(second|Minute|hour|day|month|year|week)s?[,;|x]?\Z"))
def test_an_accepted_rate_limit_is_one_that_the_limiter_can_parse(text: str) -> None:
    try:
        accepted = RATE_LIMIT.parse(text)
    except Unacceptable:
        return
    assert accepted is not None
    assert parse_many(accepted)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("short", "has 5 bytes"),
        ("é" * 15, "has 30 bytes"),
        ("x" * 64, "too regular"),
        ("abcabcab" * 8, "too regular"),
        ("0123456789" * 4, "too regular"),
        ("passwordpasswordpasswordpassword", "too regular"),
        ("change-me-please-0123456789-abcdefgh", "sample value"),
        ("your_secret_key_here_0123456789_abcd", "sample value"),
        (SAMPLE, "sample value"),
        (f"{KEY}\udc80", "not UTF-8"),
    ],
)
@pytest.mark.parametrize("environment", list(Environment))
def test_weak_and_sample_keys_are_refused_everywhere(environment: str, key: str, reason: str) -> None:
    assert reason in only_problem(ENV=environment, SECRET_KEY=key).message
    assert reason in only_problem(ENV=environment, SECRET_KEY_FALLBACKS=f"{OLDER_KEY},{key}").message


@pytest.mark.parametrize("environment", ["production", "testing"])
def test_only_development_starts_without_a_key(environment: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="KEYTURN_SECRET_KEY: is not set"):
        load_settings({"KEYTURN_ENV": environment}, CONTRACTS, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_could_not_become_a_fallback_is_refused() -> None:
    assert "at which fallbacks are separated" in only_problem(SECRET_KEY=f"{KEY},{OLDER_KEY}").message


def test_fallback_keys_keep_their_order() -> None:
    assert settings(SECRET_KEY_FALLBACKS=f" {OLDER_KEY} , {KEY},").keys.fallbacks == (
        Secret(OLDER_KEY),
        Secret(KEY),
    )
