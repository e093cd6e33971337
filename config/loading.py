"""From the environment to `Settings`. Only `load_settings` may touch a file, and only in development."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from config import table
from config.addresses import origin_of
from config.development_key import development_key
from config.model import (
    CodeSettings,
    CookieSettings,
    DatabaseSettings,
    DeliverySettings,
    Environment,
    KeySettings,
    LoginThrottleSettings,
    PasswordSettings,
    RateLimitSettings,
    SecondFactorSettings,
    SessionSettings,
    Settings,
    WebSettings,
)
from config.mounting import mounted_contracts, pages
from config.problems import ConfigurationError
from config.reading import Reading
from config.rules import RULES, may_send_cookies_without_tls
from config.secret import Secret
from config.unread import refuse_unread

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from config.model import ContractDefaults


def load_settings(
    environ: Mapping[str, str], contracts: Mapping[str, ContractDefaults], instance_path: Path
) -> Settings:
    """Read the settings; development without a signing key makes one in `instance_path`.

    Raises:
        ConfigurationError: with every problem there is.
    """
    reading = Reading(environ)
    in_development = reading.optional(table.ENV) is Environment.DEVELOPMENT
    if in_development and not reading.is_set(table.SECRET_KEY.name):
        # A file that cannot be used is reported with all other problems, as a missing key.
        with suppress(OSError, UnicodeDecodeError):
            environ = {**environ, table.SECRET_KEY.name: development_key(instance_path / "secret_key")}
    return resolve_settings(environ, contracts, instance_path)


def settings_from_environment(contracts: Mapping[str, ContractDefaults], instance_path: Path) -> Settings:
    """Read the settings of this process.

    Raises:
        ConfigurationError: with every problem there is.
    """
    return load_settings(os.environ, contracts, instance_path)


def resolve_settings(
    environ: Mapping[str, str], contracts: Mapping[str, ContractDefaults], instance_path: Path
) -> Settings:
    """Like `load_settings`, but pure: it neither reads nor writes a file.

    Raises:
        ConfigurationError: with every problem there is.
    """
    reading = Reading(environ)
    reading.refuse_unknown(contracts)
    environment = reading.required(table.ENV)
    web = _web(reading)
    settings = Settings(
        environment=environment,
        keys=_keys(reading, environment, instance_path),
        database=_database(reading, instance_path),
        web=web,
        cookies=_cookies(reading, environment, web),
        passwords=_passwords(reading),
        codes=_codes(reading),
        second_factors=_second_factors(reading),
        login_throttle=_login_throttle(reading),
        sessions=_sessions(reading),
        rate_limits=_rate_limits(reading),
        delivery=_delivery(reading),
        contracts=(mounted := mounted_contracts(reading, contracts)),
        pages=pages(reading, contracts, mounted),
    )
    for rule in RULES:
        rule.check(settings, reading)
    refuse_unread(settings, reading, contracts)
    if reading.problems:
        raise ConfigurationError(reading.problems)
    return settings


def _keys(reading: Reading, environment: Environment, instance_path: Path) -> KeySettings:
    if not reading.is_set(table.SECRET_KEY.name):
        kept = f", and none could be kept in {instance_path / 'secret_key'}"
        reading.refuse(
            f"is not set{kept if environment is Environment.DEVELOPMENT else ''}. "
            f"Required: {table.SECRET_KEY.kind.accepted}.",
            table.SECRET_KEY.name,
        )
    return KeySettings(
        # The empty stand-in never leaves this module: its absence is a problem.
        secret_key=reading.optional(table.SECRET_KEY) or Secret(""),
        fallbacks=reading.optional(table.SECRET_KEY_FALLBACKS) or (),
        jwt_algorithm=reading.required(table.JWT_ALGORITHM_NAME),
    )


def _database(reading: Reading, instance_path: Path) -> DatabaseSettings:
    return DatabaseSettings(
        url=reading.optional(table.DATABASE) or f"sqlite:///{instance_path / 'keyturn.sqlite3'}",
        pool_size=reading.required(table.DATABASE_POOL_SIZE),
        pool_timeout=reading.required(table.DATABASE_POOL_TIMEOUT_SECONDS),
        lock_timeout=reading.required(table.DATABASE_LOCK_TIMEOUT_SECONDS),
        asynchronous_rotation=reading.required(table.DATABASE_ASYNCHRONOUS_ROTATION),
        transaction_pooling=reading.required(table.DATABASE_TRANSACTION_POOLING),
    )


def _web(reading: Reading) -> WebSettings:
    public_url = reading.required(table.PUBLIC_ADDRESS)
    origins = (origin_of(public_url), *(reading.optional(table.ALLOWED_ORIGINS) or ()))
    return WebSettings(
        public_url=public_url,
        allowed_origins=tuple(dict.fromkeys(origins)),
        trusted_proxies=reading.required(table.TRUSTED_PROXIES),
        max_body_bytes=reading.required(table.MAX_BODY_BYTES),
    )


def _cookies(reading: Reading, environment: Environment, web: WebSettings) -> CookieSettings:
    secure = reading.optional(table.COOKIE_SECURE)
    return CookieSettings(
        secure=not may_send_cookies_without_tls(environment, web.public_url) if secure is None else secure,
        same_site=reading.required(table.COOKIE_SAME_SITE),
        domain=reading.optional(table.COOKIE_DOMAIN_NAME),
        prefix=reading.required(table.COOKIE_NAME_PREFIX),
        csrf_double_submit=reading.required(table.CSRF_DOUBLE_SUBMIT),
    )


def _passwords(reading: Reading) -> PasswordSettings:
    return PasswordSettings(
        minimum_length=reading.required(table.PASSWORD_MINIMUM_LENGTH),
        maximum_length=reading.required(table.PASSWORD_MAXIMUM_LENGTH),
        strength=reading.required(table.PASSWORD_STRENGTH),
        breached_url=reading.optional(table.BREACHED_PASSWORDS),
        reset_lifetime=reading.required(table.PASSWORD_RESET_SECONDS),
        argon2_memory_kib=reading.required(table.PASSWORD_ARGON2_MEMORY_KIB),
        argon2_iterations=reading.required(table.PASSWORD_ARGON2_ITERATIONS),
        argon2_parallelism=reading.required(table.PASSWORD_ARGON2_PARALLELISM),
        hash_concurrency=reading.required(table.PASSWORD_HASH_CONCURRENCY),
    )


def _codes(reading: Reading) -> CodeSettings:
    return CodeSettings(
        passwordless=reading.required(table.PASSWORDLESS),
        lifetime=reading.required(table.CODE_SECONDS),
        messages_per_hour=reading.required(table.MESSAGES_PER_HOUR),
    )


def _second_factors(reading: Reading) -> SecondFactorSettings:
    return SecondFactorSettings(
        methods=reading.required(table.MFA_METHODS),
        required=reading.required(table.MFA_REQUIRED),
        issuer=reading.required(table.MFA_ISSUER),
        trust_lifetime=reading.required(table.TRUSTED_DEVICE_SECONDS),
        reauthentication_age=reading.required(table.REAUTHENTICATION_SECONDS),
    )


def _login_throttle(reading: Reading) -> LoginThrottleSettings:
    return LoginThrottleSettings(
        attempts=reading.required(table.LOGIN_ATTEMPTS),
        window=reading.required(table.LOGIN_WINDOW_SECONDS),
        lock=reading.required(table.LOGIN_LOCK_SECONDS),
        account_attempts=reading.required(table.LOGIN_ACCOUNT_ATTEMPTS),
        account_window=reading.required(table.LOGIN_ACCOUNT_WINDOW_SECONDS),
    )


def _sessions(reading: Reading) -> SessionSettings:
    return SessionSettings(
        retention=reading.required(table.SESSION_RETENTION_SECONDS),
        event_retention=reading.required(table.EVENT_RETENTION_SECONDS),
    )


def _rate_limits(reading: Reading) -> RateLimitSettings:
    return RateLimitSettings(
        login=reading.required(table.RATE_LIMIT_LOGIN),
        signup=reading.required(table.RATE_LIMIT_SIGNUP),
        refresh=reading.required(table.RATE_LIMIT_REFRESH),
        password=reading.required(table.RATE_LIMIT_PASSWORD),
        redis_url=reading.optional(table.REDIS),
    )


def _delivery(reading: Reading) -> DeliverySettings:
    return DeliverySettings(
        mail_url=reading.required(table.MAIL),
        sms_url=reading.required(table.SMS),
        mail_from=reading.required(table.MAIL_FROM),
    )
