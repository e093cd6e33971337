"""Rules between settings, overrides for one contract, and the report that lists every problem."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config import AccessTokenType, PagesSettings, TokenSettings, table
from tests.pure.test_settings import KEY, only_problem, problems, settings

HTTPS = "https://accounts.example.org"


def tokens(contract: str = "nest_auth", **environ: str) -> TokenSettings:
    return next(mounted.tokens for mounted in settings(**environ).contracts if mounted.name == contract)


@pytest.mark.parametrize(
    ("name", "environ", "reason"),
    [
        (
            "REFRESH_RECOVERY_SECONDS",
            {"REFRESH_RECOVERY_SECONDS": "60", "ACCESS_TOKEN_CHECK": "signature"},
            "by signature",
        ),
        (
            "REFRESH_RECOVERY_SECONDS",
            {"REFRESH_RECOVERY_SECONDS": "60", "REFRESH_GRACE_SECONDS": "0"},
            "no grace period",
        ),
        (
            "REFRESH_RECOVERY_SECONDS",
            {"REFRESH_RECOVERY_SECONDS": "60", "CONTRACTS": "nest_auth,falcon_alert"},
            "KEYTURN_FALCON_ALERT__REFRESH_RECOVERY_SECONDS=0",
        ),
        (
            "NEST_AUTH__REFRESH_RECOVERY_SECONDS",
            {"NEST_AUTH__REFRESH_RECOVERY_SECONDS": "60", "NEST_AUTH__ACCESS_TOKEN_CHECK": "signature"},
            "KEYTURN_NEST_AUTH__ACCESS_TOKEN_CHECK=session",
        ),
        ("REFRESH_RECOVERY_SECONDS", {"REFRESH_RECOVERY_SECONDS": "30"}, "not longer than the grace period"),
        (
            "ACCESS_TOKEN_CHECK",
            {"CONTRACTS": "nest_auth,seven_g", "ACCESS_TOKEN_CHECK": "signature"},
            "Set KEYTURN_SEVEN_G__ACCESS_TOKEN_CHECK=session.",
        ),
        (
            "SEVEN_G__ACCESS_TOKEN_CHECK",
            {"CONTRACTS": "nest_auth,seven_g", "SEVEN_G__ACCESS_TOKEN_CHECK": "signature"},
            "Set KEYTURN_SEVEN_G__ACCESS_TOKEN_CHECK=session.",
        ),
        (
            "MFA_REQUIRED",
            {"MFA_REQUIRED": "true", "CONTRACTS": "falcon_alert,seven_g"},
            "nobody could log in",
        ),
        (
            "MFA_REQUIRED",
            {"MFA_REQUIRED": "true", "MFA_METHODS": "email", "MAIL_URL": "smtp://h"},
            "whoever signs up would be locked out",
        ),
        ("MFA_METHODS", {"MFA_METHODS": "totp,sms"}, "no text message leaves this machine"),
        ("MFA_METHODS", {"MFA_METHODS": "sms", "SMS_URL": "memory:"}, "no text message leaves this machine"),
        ("MFA_METHODS", {"MFA_METHODS": "email"}, "no mail leaves this machine"),
        ("MFA_METHODS", {"MFA_METHODS": "email,totp", "MAIL_URL": "memory:"}, "no mail leaves this machine"),
        ("PASSWORDLESS", {"PASSWORDLESS": "true"}, "would reach its log and nobody else"),
        (
            "DATABASE_TRANSACTION_POOLING",
            {"DATABASE_TRANSACTION_POOLING": "true"},
            "only connections to Post",
        ),
        (
            "DATABASE_TRANSACTION_POOLING",
            {"DATABASE_TRANSACTION_POOLING": "true", "DATABASE_URL": "mariadb+pymysql://u@h/d"},
            "only connections to PostgreSQL",
        ),
        (
            "DATABASE_ASYNCHRONOUS_ROTATION",
            {"DATABASE_ASYNCHRONOUS_ROTATION": "true", "DATABASE_URL": "mysql+pymysql://u@h/d"},
            "the wait for the disk",
        ),
        (
            "SESSION_INACTIVITY_SECONDS",
            {"SESSION_INACTIVITY_SECONDS": "61", "SESSION_ABSOLUTE_SECONDS": "60"},
            "may last, 60 seconds",
        ),
        ("SESSION_INACTIVITY_SECONDS", {"SESSION_INACTIVITY_SECONDS": "7776001"}, "7776000 seconds"),
        (
            "ACCESS_TOKEN_SECONDS",
            {"ACCESS_TOKEN_SECONDS": "61", "SESSION_ABSOLUTE_SECONDS": "60"},
            "may last, 60 seconds",
        ),
        ("COOKIE_SAME_SITE", {"ENV": "development", "COOKIE_SAME_SITE": "None"}, "without Secure"),
        ("COOKIE_PREFIX", {"ENV": "development", "COOKIE_PREFIX": "secure"}, "without Secure"),
        ("COOKIE_PREFIX", {"ENV": "development", "COOKIE_PREFIX": "host"}, "without Secure"),
        (
            "COOKIE_PREFIX",
            {"PUBLIC_URL": HTTPS, "COOKIE_PREFIX": "host", "COOKIE_DOMAIN": "example.org"},
            "have a Domain",
        ),
        ("COOKIE_DOMAIN", {"PUBLIC_URL": HTTPS, "COOKIE_DOMAIN": "ample.org"}, "drop the cookies"),
        ("COOKIE_SECURE", {"COOKIE_SECURE": "false"}, "only for development"),
        ("COOKIE_SECURE", {"COOKIE_SECURE": "false", "ENV": "testing"}, "only for development"),
        (
            "COOKIE_SECURE",
            {
                "COOKIE_SECURE": "false",
                "ENV": "development",
                "PUBLIC_URL": "http://example.org",
                "PAGES": "off",
            },
            "only for development",
        ),
        (
            "COOKIE_SECURE",
            {"COOKIE_SECURE": "false", "ENV": "development", "PUBLIC_URL": "https://localhost"},
            "only for development",
        ),
        ("PUBLIC_URL", {"PUBLIC_URL": "http://example.org"}, "or set KEYTURN_PAGES=off."),
        (
            "PUBLIC_URL",
            {"PUBLIC_URL": "http://192.168.1.5:8000", "ENV": "development"},
            "browsers drop the cookies of the pages",
        ),
        (
            "PUBLIC_URL",
            {"ACCESS_TOKEN_TYPE": "cookie", "PUBLIC_URL": "http://example.org"},
            "KEYTURN_ACCESS_TOKEN_TYPE=header and KEYTURN_PAGES=off",
        ),
        (
            "PUBLIC_URL",
            {"NEST_AUTH__ACCESS_TOKEN_TYPE": "client", "PAGES": "off", "PUBLIC_URL": "http://10.0.0.1"},
            "browsers drop the cookies of nest_auth, ",
        ),
        (
            "PASSWORD_MINIMUM_LENGTH",
            {"PASSWORD_MINIMUM_LENGTH": "65", "PASSWORD_MAXIMUM_LENGTH": "64"},
            "is above",
        ),
        ("PASSWORD_ARGON2_MEMORY_KIB", {"PASSWORD_ARGON2_ITERATIONS": "1"}, "too little for production"),
        (
            "PASSWORD_ARGON2_MEMORY_KIB",
            {"ENV": "testing", "PASSWORD_ARGON2_MEMORY_KIB": "8", "PASSWORD_ARGON2_PARALLELISM": "2"},
            "for each lane",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    name: str, environ: dict[str, str], reason: str
) -> None:
    problem = only_problem(**environ)

    assert problem.name == f"KEYTURN_{name}"
    assert reason in problem.message


@pytest.mark.parametrize(
    "environ",
    [
        {"REFRESH_RECOVERY_SECONDS": "31"},
        {
            "CONTRACTS": "nest_auth,seven_g",
            "ACCESS_TOKEN_CHECK": "signature",
            "SEVEN_G__ACCESS_TOKEN_CHECK": "session",
        },
        {"MFA_REQUIRED": "true", "CONTRACTS": "seven_g,nest_auth"},
        {"MFA_METHODS": "totp,sms", "SMS_URL": "file:/srv/spool/sms"},
        {"MFA_METHODS": "totp,sms", "ENV": "testing"},
        {"MFA_METHODS": "totp,email"},
        {"MFA_METHODS": "email", "MAIL_URL": "smtp://mail.example.org"},
        {"MFA_METHODS": "email", "ENV": "development"},
        {"PASSWORDLESS": "true", "SMS_URL": "https://gateway.example.org/send"},
        {"PASSWORDLESS": "true", "ENV": "development"},
        {"DATABASE_TRANSACTION_POOLING": "true", "DATABASE_URL": "postgresql+psycopg://u@h/d"},
        {"DATABASE_ASYNCHRONOUS_ROTATION": "true", "DATABASE_URL": "postgresql+psycopg://u@h/d"},
        {"DATABASE_ASYNCHRONOUS_ROTATION": "false", "DATABASE_URL": "mysql+pymysql://u@h/d"},
        {"DATABASE_ASYNCHRONOUS_ROTATION": "true"},
        {"DATABASE_URL": "mysql+pymysql://u@h/d"},
        {"PUBLIC_URL": "http://example.org", "PAGES": "off"},
        {"PUBLIC_URL": "http://example.org", "CONTRACTS": "falcon_alert"},
    ],
)
def test_settings_that_have_an_effect_together_are_accepted(environ: dict[str, str]) -> None:
    settings(**environ)


@pytest.mark.parametrize("name", ["ACCESS_TOKEN_CHECK=signature", "REFRESH_GRACE_SECONDS=0"])
def test_default_recovery_is_off_where_it_may_not_be_on(name: str) -> None:
    setting, _, text = name.partition("=")

    assert tokens(**{setting: text}).recovery == timedelta(0)


def test_documented_lifetimes_yield_to_a_shorter_absolute_lifetime() -> None:
    found = tokens(SESSION_ABSOLUTE_SECONDS="60")

    assert (
        found.inactivity_timeout == found.access_lifetime == found.absolute_lifetime == timedelta(seconds=60)
    )


@pytest.mark.parametrize("address", ["http://localhost:5000", "http://127.0.0.1", "http://[::1]:8000"])
def test_development_on_this_machine_sends_cookies_without_tls(address: str) -> None:
    assert settings(ENV="development", PUBLIC_URL=address).cookies.secure is False
    assert settings(ENV="development", PUBLIC_URL=address, COOKIE_SECURE="true").cookies.secure is True


@pytest.mark.parametrize(
    ("environment", "address"),
    [("production", "http://localhost"), ("testing", "http://localhost"), ("development", HTTPS)],
)
def test_cookies_are_secure_everywhere_else(environment: str, address: str) -> None:
    assert settings(ENV=environment, PUBLIC_URL=address).cookies.secure is True


def test_cookie_transport_is_fine_with_https_or_on_this_machine() -> None:
    settings(ACCESS_TOKEN_TYPE="cookie", PUBLIC_URL=HTTPS, COOKIE_DOMAIN="example.org")
    settings(ACCESS_TOKEN_TYPE="cookie")


def test_an_override_holds_for_its_contract_alone() -> None:
    environ = {
        "CONTRACTS": "nest_auth,falcon_alert@/falcon",
        "ACCESS_TOKEN_SECONDS": "600",
        "FALCON_ALERT__ACCESS_TOKEN_SECONDS": "60",
        "FALCON_ALERT__ACCESS_TOKEN_TYPE": "client",
    }

    assert tokens("nest_auth", **environ).access_lifetime == timedelta(minutes=10)
    assert tokens("falcon_alert", **environ).access_lifetime == timedelta(minutes=1)
    assert tokens("nest_auth", **environ).access_token_type is AccessTokenType.HEADER
    assert tokens("falcon_alert", **environ).access_token_type is AccessTokenType.CLIENT
    assert [contract.prefix for contract in settings(**environ).contracts] == ["/auth", "/falcon"]


def test_an_override_for_a_contract_that_is_not_served_is_still_checked() -> None:
    problem = only_problem(FALCON_ALERT__REFRESH_GRACE_SECONDS="many")

    assert problem.name == "KEYTURN_FALCON_ALERT__REFRESH_GRACE_SECONDS"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("ACESS_TOKEN_TYPE", "Did you mean KEYTURN_ACCESS_TOKEN_TYPE?"),
        ("NEST_AUTH__ACCESS_TOKEN_TIPE", "Did you mean KEYTURN_NEST_AUTH__ACCESS_TOKEN_TYPE?"),
        ("NEST_AUT__ACCESS_TOKEN_TYPE", "Did you mean KEYTURN_NEST_AUTH__ACCESS_TOKEN_TYPE?"),
        ("NEST_AUTH__TRUSTED_PROXIES", "Set KEYTURN_TRUSTED_PROXIES instead"),
        ("QQQ", "See docs/configuration.md"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(name: str, advice: str) -> None:
    assert advice in only_problem(**{name: "cookie"}).message


def test_all_problems_are_reported_at_once() -> None:
    environ = {
        "KEYTURN_ENV": "prod",
        "KEYTURN_JWT_ALGORITHM": "RS256",
        "KEYTURN_TRUSTED_PROXY": "1",
        "KEYTURN_CONTRACTS": "nest,falcon_alert,falcon_alert",
        "KEYTURN_COOKIE_SAME_SITE": "None",
        "KEYTURN_COOKIE_DOMAIN": "example.org",
    }

    assert [problem.name for problem in problems(environ)] == [
        "KEYTURN_TRUSTED_PROXY",
        "KEYTURN_ENV",
        "KEYTURN_SECRET_KEY",
        "KEYTURN_JWT_ALGORITHM",
        "KEYTURN_CONTRACTS",
        "KEYTURN_CONTRACTS",
        "KEYTURN_COOKIE_DOMAIN",
    ]


def test_a_broken_value_is_reported_once_and_silences_rules_about_it() -> None:
    problem = only_problem(
        CONTRACTS="nest_auth,falcon_alert", REFRESH_GRACE_SECONDS="x", REFRESH_RECOVERY_SECONDS="60"
    )

    assert problem.name == "KEYTURN_REFRESH_GRACE_SECONDS"


def test_names_of_other_programs_are_left_alone() -> None:
    assert problems({"PATH": "/bin", "MY_KEYTURN_X": "1", "KEYTURN_SECRET_KEY": KEY, "KEYTURN_X": "1"})[
        0
    ].name == ("KEYTURN_X")


def test_every_default_passes_its_own_parser() -> None:
    for setting in table.ALL:
        if setting.default is not None:
            setting.kind.parse(setting.default)


def test_pages_are_where_a_contract_that_carries_them_is_served() -> None:
    assert settings().pages == PagesSettings(prefix="/account", home=None, contract="nest_auth")
    assert settings(CONTRACTS="falcon_alert").pages is None
    assert settings(CONTRACTS="falcon_alert", PAGES="off").pages is None
    assert settings(PAGES="off").pages == PagesSettings(prefix=None, home=None, contract="nest_auth")
    assert settings(PAGES="/me", PAGES_HOME="/app?x=1").pages == PagesSettings(
        prefix="/me", home="/app?x=1", contract="nest_auth"
    )


def test_pages_that_no_contract_carries_are_refused() -> None:
    problem = only_problem(CONTRACTS="falcon_alert", PAGES="/account")

    assert problem.name == "KEYTURN_PAGES"
    assert "nest_auth" in problem.message


def test_a_home_for_pages_that_are_not_there_is_refused() -> None:
    problem = only_problem(CONTRACTS="falcon_alert", PAGES_HOME="/app")

    assert problem.name == "KEYTURN_PAGES_HOME"
    assert "only nest_auth has pages" in problem.message


@pytest.mark.parametrize("prefix", ["account", "/", "/account/", "//x", "/a/../b", "/a b"])
def test_prefix_of_pages_that_is_no_path_is_refused(prefix: str) -> None:
    assert only_problem(PAGES=prefix).name == "KEYTURN_PAGES"


@pytest.mark.parametrize(
    "home", ["//evil.example", "/\\evil.example", "https://evil.example", "home", "/a b"]
)
def test_home_on_another_host_is_refused(home: str) -> None:
    assert only_problem(PAGES_HOME=home).name == "KEYTURN_PAGES_HOME"
