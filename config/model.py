"""The settings as the rest of the service sees them: typed, frozen, grouped by concern."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.secret import Secret


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"
    TESTING = "testing"


class AccessTokenType(StrEnum):
    """How tokens travel; CLIENT lets each request choose."""

    HEADER = "header"
    COOKIE = "cookie"
    CLIENT = "client"


class AccessTokenCheck(StrEnum):
    """Whether a guarded request reads the session row or trusts the signature alone."""

    SESSION = "session"
    SIGNATURE = "signature"


class SameSite(StrEnum):
    LAX = "Lax"
    STRICT = "Strict"
    NONE = "None"


class FactorMethod(StrEnum):
    """With what a person can prove a second factor."""

    TOTP = "totp"
    EMAIL = "email"
    SMS = "sms"


class Offer(StrEnum):
    """What only some contracts do, so that settings about it may find nobody to read them."""

    SIGN_UP = "lets people sign up"
    PASSWORD_CHANGES = "changes or resets passwords"
    PASSWORD_RESETS = "resets forgotten passwords"
    PHONE_NUMBERS = "proves phone numbers"
    LOGIN_CODES = "logs in by a code"
    SECOND_FACTORS = "asks for a second factor"
    TRUSTED_DEVICES = "trusts devices"
    RECENT_PROOFS = "asks for a recent proof of who one is"
    LOGIN_RULE = "documents no count of failed logins of its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDefaults:
    """What a contract documents; a setting that is set goes before it.

    `carries_pages`: its sessions can be those of the server-rendered pages. `access_dies_at_refresh`: only
    the newest access token of a session is good.
    """

    prefix: str
    access_lifetime: timedelta
    inactivity_timeout: timedelta
    absolute_lifetime: timedelta
    grace: timedelta
    recovery: timedelta
    offers: frozenset[Offer] = frozenset()
    carries_pages: bool = False
    access_dies_at_refresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    access_token_type: AccessTokenType
    access_lifetime: timedelta
    inactivity_timeout: timedelta
    absolute_lifetime: timedelta
    grace: timedelta
    recovery: timedelta
    access_token_check: AccessTokenCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSettings:
    name: str
    prefix: str
    tokens: TokenSettings
    documents: ContractDefaults


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """`secret_key` signs; it and every fallback verify."""

    secret_key: Secret
    fallbacks: tuple[Secret, ...]
    jwt_algorithm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """`lock_timeout` is SQLite's busy timeout, PostgreSQL's lock_timeout, InnoDB's lock wait timeout."""

    # The URL may hold a password, so it stays out of `repr`.
    url: str = field(repr=False)
    pool_size: int
    pool_timeout: timedelta
    lock_timeout: timedelta
    asynchronous_rotation: bool
    transaction_pooling: bool

    @property
    def answer_timeout(self) -> timedelta:
        """How long a server may take to answer a statement: what a lock may take, and five seconds."""
        return self.lock_timeout + timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """`allowed_origins` starts with the origin of `public_url`, which has no trailing slash."""

    public_url: str
    allowed_origins: tuple[str, ...]
    trusted_proxies: int
    max_body_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesSettings:
    """`contract` is the one whose sessions browsers use; without a `prefix` there are no pages of ours.

    `home` is where a sign-in leads by itself; None is the overview of the account.
    """

    prefix: str | None
    home: str | None
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieSettings:
    """`prefix` is empty, `__Host-` or `__Secure-`."""

    secure: bool
    same_site: SameSite
    domain: str | None
    prefix: str
    csrf_double_submit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSettings:
    """Lengths count code points; `strength` is a zxcvbn score; `hash_concurrency` is per process."""

    minimum_length: int
    maximum_length: int
    strength: int
    breached_url: Secret | None
    reset_lifetime: timedelta
    argon2_memory_kib: int
    argon2_iterations: int
    argon2_parallelism: int
    hash_concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSettings:
    """`messages_per_hour` counts for one person and one purpose."""

    passwordless: bool
    lifetime: timedelta
    messages_per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorSettings:
    """`methods` in the order in which they are offered; a `trust_lifetime` of zero trusts no device."""

    methods: tuple[FactorMethod, ...]
    required: bool
    issuer: str
    trust_lifetime: timedelta
    reauthentication_age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginThrottleSettings:
    attempts: int
    window: timedelta
    lock: timedelta
    account_attempts: int
    account_window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """How long ended sessions and security events are kept before they are swept."""

    retention: timedelta
    event_retention: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitSettings:
    """Limits per address in Flask-Limiter notation; None switches one off."""

    login: str | None
    signup: str | None
    refresh: str | None
    password: str | None
    redis_url: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    mail_url: Secret
    sms_url: Secret
    mail_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    environment: Environment
    keys: KeySettings
    database: DatabaseSettings
    web: WebSettings
    cookies: CookieSettings
    passwords: PasswordSettings
    second_factors: SecondFactorSettings
    codes: CodeSettings
    login_throttle: LoginThrottleSettings
    sessions: SessionSettings
    rate_limits: RateLimitSettings
    delivery: DeliverySettings
    contracts: tuple[ContractSettings, ...]
    pages: PagesSettings | None
