"""Every setting, declared once: parsing, the documentation and `.env.example` all come from here.

A default is written as the environment would spell it, so it passes the same parser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from config import reach
from config.addresses import (
    BREACHED_PASSWORDS_URL,
    DATABASE_URL,
    ORIGINS,
    PUBLIC_URL,
    REDIS_URL,
)
from config.delivery import MAIL_SENDER, MAIL_URL, SMS_URL
from config.kinds import (
    BOOLEAN,
    COOKIE_DOMAIN,
    COOKIE_PREFIX,
    JWT_ALGORITHM,
    LABEL,
    LOCAL_PATH,
    PAGES_PREFIX,
    RATE_LIMIT,
    Kind,
    T_co,
    one_of,
    seconds,
    several_of,
    whole_number,
)
from config.model import AccessTokenCheck, AccessTokenType, Environment, FactorMethod, SameSite
from config.reach import Reach
from config.signing_keys import SIGNING_KEY, SIGNING_KEYS

PREFIX = "KEYTURN_"
# Names that the test suite alone reads; tolerated so that one environment can serve both.
TEST_SUITE_PREFIX = "KEYTURN_TEST_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Generic[T_co]):
    """`derived` says what holds where no fixed `default` exists; `per_contract` allows an override.

    `reach` has no default, so that nobody adds a setting without saying where it has an effect.
    """

    name: str
    kind: Kind[T_co]
    why: str
    reach: Reach
    default: str | None = None
    derived: str = "none"
    per_contract: bool = False

    def override(self, contract: str) -> str:
        """Return the name that sets this for one contract."""
        return f"{PREFIX}{contract.upper()}__{self.name.removeprefix(PREFIX)}"

    def is_default(self, value: object) -> bool:
        """Tell whether it holds without being set; a derived default is none."""
        return self.default is not None and value == self.kind.parse(self.default)


_DAY = 86_400
# Browsers keep no cookie longer than 400 days (RFC 6265bis section 5.5), so no session lasts longer either.
_LONGEST = 400 * _DAY

ENV = Setting(
    name="KEYTURN_ENV",
    kind=one_of(Environment),
    reach=reach.EVERYWHERE,
    default="production",
    why="Only `development` makes its own signing key and may send cookies without TLS.",
)
CONTRACTS = Setting(
    name="KEYTURN_CONTRACTS",
    kind=Kind("`name` or `name@/prefix`, separated by commas", str),
    reach=reach.EVERYWHERE,
    default="nest_auth",
    why="The wire contracts that are served, each under its own prefix unless another is given.",
)

SECRET_KEY = Setting(
    name="KEYTURN_SECRET_KEY",
    kind=SIGNING_KEY,
    reach=reach.EVERYWHERE,
    derived="required; development keeps one in `instance/secret_key`",
    why="Signs access tokens, refresh tokens are derived from it, and second factors are encrypted under it.",
)
SECRET_KEY_FALLBACKS = Setting(
    name="KEYTURN_SECRET_KEY_FALLBACKS",
    kind=SIGNING_KEYS,
    reach=reach.EVERYWHERE,
    why="Keys that still verify; a new key goes here on all hosts before it becomes the signing one.",
)
JWT_ALGORITHM_NAME = Setting(
    name="KEYTURN_JWT_ALGORITHM",
    kind=JWT_ALGORITHM,
    reach=reach.EVERYWHERE,
    default="HS256",
    why="The one algorithm that access tokens are signed and verified with.",
)

ACCESS_TOKEN_TYPE = Setting(
    name="KEYTURN_ACCESS_TOKEN_TYPE",
    kind=one_of(AccessTokenType),
    reach=reach.EVERYWHERE,
    default="header",
    per_contract=True,
    why="How tokens travel: JSON body and `Authorization`, httpOnly cookies, or as each request asks.",
)
ACCESS_TOKEN_CHECK = Setting(
    name="KEYTURN_ACCESS_TOKEN_CHECK",
    kind=one_of(AccessTokenCheck),
    reach=reach.EVERYWHERE,
    default="session",
    per_contract=True,
    why="`session` lets logout and suspension act at once; `signature` saves the database read.",
)
ACCESS_TOKEN_SECONDS = Setting(
    name="KEYTURN_ACCESS_TOKEN_SECONDS",
    kind=seconds(1, _DAY),
    reach=reach.EVERYWHERE,
    derived="the contract's",
    per_contract=True,
    why="Life of an access token.",
)
SESSION_INACTIVITY_SECONDS = Setting(
    name="KEYTURN_SESSION_INACTIVITY_SECONDS",
    kind=seconds(1, _LONGEST),
    reach=reach.EVERYWHERE,
    derived="the contract's",
    per_contract=True,
    why="A session that is not refreshed for this long expires.",
)
SESSION_ABSOLUTE_SECONDS = Setting(
    name="KEYTURN_SESSION_ABSOLUTE_SECONDS",
    kind=seconds(1, _LONGEST),
    reach=reach.EVERYWHERE,
    derived="the contract's",
    per_contract=True,
    why="A session expires this long after login however often it is refreshed.",
)
REFRESH_GRACE_SECONDS = Setting(
    name="KEYTURN_REFRESH_GRACE_SECONDS",
    kind=seconds(0, 300),
    reach=reach.EVERYWHERE,
    derived="the contract's",
    per_contract=True,
    why="A superseded refresh token repeats its successor for this long; 0 is strict single use.",
)
REFRESH_RECOVERY_SECONDS = Setting(
    name="KEYTURN_REFRESH_RECOVERY_SECONDS",
    kind=seconds(0, 30 * _DAY),
    reach=reach.EVERYWHERE,
    derived="the contract's; 0 where it may not be higher",
    per_contract=True,
    why="A client that lost the answer to a refresh may come back for this long; 0 switches it off.",
)
SESSION_RETENTION_SECONDS = Setting(
    name="KEYTURN_SESSION_RETENTION_SECONDS",
    kind=seconds(0, _LONGEST),
    reach=reach.EVERYWHERE,
    default=str(7 * _DAY),
    why="Ended sessions stay visible this long before they are swept.",
)
EVENT_RETENTION_SECONDS = Setting(
    name="KEYTURN_EVENT_RETENTION_SECONDS",
    kind=seconds(_DAY, 3650 * _DAY),
    reach=reach.EVERYWHERE,
    default=str(180 * _DAY),
    why="Security events are kept this long.",
)

DATABASE = Setting(
    name="KEYTURN_DATABASE_URL",
    kind=DATABASE_URL,
    reach=reach.EVERYWHERE,
    derived="`keyturn.sqlite3` in the instance folder",
    why="Where sessions and people are stored.",
)
DATABASE_POOL_SIZE = Setting(
    name="KEYTURN_DATABASE_POOL_SIZE",
    kind=whole_number(1, 200),
    reach=reach.EVERYWHERE,
    default="10",
    why="Connections kept per process; processes × this must stay below what the database allows.",
)
DATABASE_POOL_TIMEOUT_SECONDS = Setting(
    name="KEYTURN_DATABASE_POOL_TIMEOUT_SECONDS",
    kind=seconds(1, 60),
    reach=reach.EVERYWHERE,
    default="5",
    why="A request waits this long for a connection before it is answered 503.",
)
DATABASE_LOCK_TIMEOUT_SECONDS = Setting(
    name="KEYTURN_DATABASE_LOCK_TIMEOUT_SECONDS",
    kind=seconds(1, 60),
    reach=reach.EVERYWHERE,
    default="5",
    why="A statement waits this long for a lock before it is tried again or answered 503.",
)
DATABASE_ASYNCHRONOUS_ROTATION = Setting(
    name="KEYTURN_DATABASE_ASYNCHRONOUS_ROTATION",
    kind=BOOLEAN,
    reach=reach.EVERYWHERE,
    default="true",
    why="Plain rotations, and nothing else, are answered before they are on disk (PostgreSQL, SQLite). A "
    "crash that loses the last of them logs nobody out: a token ahead of the database is accepted.",
)
DATABASE_TRANSACTION_POOLING = Setting(
    name="KEYTURN_DATABASE_TRANSACTION_POOLING",
    kind=BOOLEAN,
    reach=reach.EVERYWHERE,
    default="false",
    why="PgBouncer or the like lends PostgreSQL's connections for one transaction at a time: no statement is "
    "prepared on them and no option is set. See docs/operations.md.",
)
REDIS = Setting(
    name="KEYTURN_REDIS_URL",
    kind=REDIS_URL,
    reach=reach.EVERYWHERE,
    why="Shares the rate limits between processes and hosts; without it they count per process.",
)

PUBLIC_ADDRESS = Setting(
    name="KEYTURN_PUBLIC_URL",
    kind=PUBLIC_URL,
    reach=reach.EVERYWHERE,
    default="http://127.0.0.1:8000",
    why="The address that people reach; links in messages are built from it alone.",
)
ALLOWED_ORIGINS = Setting(
    name="KEYTURN_ALLOWED_ORIGINS",
    kind=ORIGINS,
    reach=reach.EVERYWHERE,
    derived="the origin of the public URL, which is always allowed",
    why="Pages of these origins may read answers (CORS), and make requests that authenticate by cookie.",
)
TRUSTED_PROXIES = Setting(
    name="KEYTURN_TRUSTED_PROXIES",
    kind=whole_number(0, 10),
    reach=reach.EVERYWHERE,
    default="0",
    why="How many proxies in front add to `X-Forwarded-For`; one too many lets clients forge addresses.",
)
MAX_BODY_BYTES = Setting(
    name="KEYTURN_MAX_BODY_BYTES",
    kind=whole_number(1024, 10_485_760),
    reach=reach.EVERYWHERE,
    default="65536",
    why="A larger request body is refused, whether it says its length before or not.",
)

PAGES = Setting(
    name="KEYTURN_PAGES",
    kind=PAGES_PREFIX,
    reach=reach.EVERYWHERE,
    derived="`/account` where `nest_auth` is served, whose sessions they use",
    why="Under which path the server-rendered pages are, or that there are none.",
)
PAGES_HOME = Setting(
    name="KEYTURN_PAGES_HOME",
    kind=LOCAL_PATH,
    reach=reach.EVERYWHERE,
    derived="the overview of the person's account",
    why="Where a person goes after signing in who was on the way to no page in particular.",
)

COOKIE_SECURE = Setting(
    name="KEYTURN_COOKIE_SECURE",
    kind=BOOLEAN,
    reach=reach.COOKIES,
    derived="`true`; `false` in development under a public URL with http on this machine",
    why="Cookies travel over TLS only.",
)
COOKIE_SAME_SITE = Setting(
    name="KEYTURN_COOKIE_SAME_SITE",
    kind=one_of(SameSite),
    reach=reach.COOKIES,
    default="Lax",
    why="Whether cookies come along with requests from other sites.",
)
COOKIE_DOMAIN_NAME = Setting(
    name="KEYTURN_COOKIE_DOMAIN",
    kind=COOKIE_DOMAIN,
    reach=reach.COOKIES,
    derived="none: only the host that set them gets the cookies",
    why="Shares the cookies with every host below a domain.",
)
COOKIE_NAME_PREFIX = Setting(
    name="KEYTURN_COOKIE_PREFIX",
    kind=COOKIE_PREFIX,
    reach=reach.COOKIES,
    default="none",
    why="Lets browsers enforce Secure and host (RFC 6265bis section 4.1.3); changes the documented names.",
)
CSRF_DOUBLE_SUBMIT = Setting(
    name="KEYTURN_CSRF_DOUBLE_SUBMIT",
    kind=BOOLEAN,
    reach=reach.COOKIES,
    default="false",
    why="Asks for a double-submitted CSRF value on top of the origin check.",
)

PASSWORD_MINIMUM_LENGTH = Setting(
    name="KEYTURN_PASSWORD_MINIMUM_LENGTH",
    kind=whole_number(8, 128),
    reach=reach.EVERYWHERE,
    default="8",
    why="Shortest new password, in characters (ASVS 6.2.1; 15 where no second factor is in use).",
)
PASSWORD_MAXIMUM_LENGTH = Setting(
    name="KEYTURN_PASSWORD_MAXIMUM_LENGTH",
    kind=whole_number(64, 1024),
    reach=reach.EVERYWHERE,
    default="128",
    why="Longest password, so that one hash has a bound (ASVS 6.2.9: at least 64).",
)
PASSWORD_STRENGTH = Setting(
    name="KEYTURN_PASSWORD_STRENGTH",
    kind=whole_number(0, 4),
    reach=reach.EVERYWHERE,
    default="2",
    why="Lowest zxcvbn score of a new password: 2 refuses common ones and ones made from the person's own "
    "name or address (ASVS 6.2.4, 6.2.11); 0 looks at the length alone.",
)
BREACHED_PASSWORDS = Setting(
    name="KEYTURN_BREACHED_PASSWORDS_URL",
    kind=BREACHED_PASSWORDS_URL,
    reach=reach.EVERYWHERE,
    why="Where breached passwords are looked up: the first five digits of a SHA-1 are sent, and nothing else "
    "(ASVS 6.2.12). While the source is away, passwords pass, and the log says so.",
)
PASSWORD_RESET_SECONDS = Setting(
    name="KEYTURN_PASSWORD_RESET_SECONDS",
    kind=seconds(300, 3600),
    reach=reach.PASSWORD_RESETS,
    default="3600",
    why="Life of a link or token that resets a password.",
)
PASSWORD_ARGON2_MEMORY_KIB = Setting(
    name="KEYTURN_PASSWORD_ARGON2_MEMORY_KIB",
    kind=whole_number(8, 4_194_304),
    reach=reach.EVERYWHERE,
    default="19456",
    why="Memory of one argon2id hash in KiB (OWASP Password Storage Cheat Sheet).",
)
PASSWORD_ARGON2_ITERATIONS = Setting(
    name="KEYTURN_PASSWORD_ARGON2_ITERATIONS",
    kind=whole_number(1, 100),
    reach=reach.EVERYWHERE,
    default="2",
    why="Passes of one argon2id hash over its memory.",
)
PASSWORD_ARGON2_PARALLELISM = Setting(
    name="KEYTURN_PASSWORD_ARGON2_PARALLELISM",
    kind=whole_number(1, 64),
    reach=reach.EVERYWHERE,
    default="1",
    why="Lanes of one argon2id hash.",
)
PASSWORD_HASH_CONCURRENCY = Setting(
    name="KEYTURN_PASSWORD_HASH_CONCURRENCY",
    kind=whole_number(1, 64),
    reach=reach.EVERYWHERE,
    default="2",
    why="Hashes computed at once per process, so that a flood of logins cannot take all memory."
    " As many again may wait, the rest get 503.",
)

PASSWORDLESS = Setting(
    name="KEYTURN_PASSWORDLESS",
    kind=BOOLEAN,
    reach=reach.LOGIN_CODES,
    default="false",
    why="Lets people log in with a code that is sent to their address or number instead of a password.",
)
CODE_SECONDS = Setting(
    name="KEYTURN_CODE_SECONDS",
    kind=seconds(60, 3600),
    reach=reach.SECOND_FACTORS,
    default="600",
    why="Life of a code that is typed (ASVS 6.5.5: at most 10 minutes).",
)
MESSAGES_PER_HOUR = Setting(
    name="KEYTURN_MESSAGES_PER_HOUR",
    kind=whole_number(1, 100),
    reach=reach.EVERYWHERE,
    default="6",
    why="Codes and links sent to one person for one purpose, whoever asks for them.",
)

MFA_METHODS = Setting(
    name="KEYTURN_MFA_METHODS",
    kind=several_of(FactorMethod),
    reach=reach.SECOND_FACTORS,
    default="totp,email",
    why="Second factors that are offered. A mailbox and a phone number are weaker than an authenticator app, "
    "and count only when they are verified; recovery codes always work.",
)
MFA_REQUIRED = Setting(
    name="KEYTURN_MFA_REQUIRED",
    kind=BOOLEAN,
    reach=reach.EVERYWHERE,
    default="false",
    why="Asks everybody for a second factor; an organization or a person can be asked alone.",
)
MFA_ISSUER = Setting(
    name="KEYTURN_MFA_ISSUER",
    kind=LABEL,
    reach=reach.SECOND_FACTORS,
    default="Keyturn",
    why="The name that authenticator apps show beside the account.",
)
TRUSTED_DEVICE_SECONDS = Setting(
    name="KEYTURN_TRUSTED_DEVICE_SECONDS",
    kind=seconds(0, _LONGEST),
    reach=reach.TRUSTED_DEVICES,
    default=str(7 * _DAY),
    why="A trusted device skips the second factor for this long; 0 trusts none.",
)
REAUTHENTICATION_SECONDS = Setting(
    name="KEYTURN_REAUTHENTICATION_SECONDS",
    kind=seconds(60, _DAY),
    reach=reach.RECENT_PROOFS,
    default="900",
    why="Changing second factors or the e-mail address, and on the pages ending other sessions, asks for a "
    "proof of who one is that is not older (ASVS 7.5.1, 7.5.2).",
)

LOGIN_ATTEMPTS = Setting(
    name="KEYTURN_LOGIN_ATTEMPTS",
    kind=whole_number(1, 100),
    reach=reach.LOGIN_RULE,
    default="10",
    why="Failed logins for one person from one address, or one IPv6 network of 64 bits, before a pause.",
)
LOGIN_WINDOW_SECONDS = Setting(
    name="KEYTURN_LOGIN_WINDOW_SECONDS",
    kind=seconds(1, _DAY),
    reach=reach.LOGIN_RULE,
    default="900",
    why="The time within which those failures count.",
)
LOGIN_LOCK_SECONDS = Setting(
    name="KEYTURN_LOGIN_LOCK_SECONDS",
    kind=seconds(1, _DAY),
    reach=reach.LOGIN_RULE,
    default="900",
    why="How long the pause lasts.",
)
LOGIN_ACCOUNT_ATTEMPTS = Setting(
    name="KEYTURN_LOGIN_ACCOUNT_ATTEMPTS",
    kind=whole_number(1, 100),
    reach=reach.EVERYWHERE,
    default="100",
    why="Failed logins for one person from all addresses together (NIST SP 800-63B: at most 100).",
)
LOGIN_ACCOUNT_WINDOW_SECONDS = Setting(
    name="KEYTURN_LOGIN_ACCOUNT_WINDOW_SECONDS",
    kind=seconds(1, 30 * _DAY),
    reach=reach.EVERYWHERE,
    default=str(_DAY),
    why="The time within which those failures count.",
)

RATE_LIMIT_LOGIN = Setting(
    name="KEYTURN_RATE_LIMIT_LOGIN",
    kind=RATE_LIMIT,
    reach=reach.EVERYWHERE,
    default="20 per minute",
    why="Logins and second factors from one address.",
)
RATE_LIMIT_SIGNUP = Setting(
    name="KEYTURN_RATE_LIMIT_SIGNUP",
    kind=RATE_LIMIT,
    reach=reach.SIGN_UP,
    default="20 per hour",
    why="New accounts from one address.",
)
RATE_LIMIT_REFRESH = Setting(
    name="KEYTURN_RATE_LIMIT_REFRESH",
    kind=RATE_LIMIT,
    reach=reach.EVERYWHERE,
    default="600 per minute",
    why="Refreshes from one address, behind which a whole office may sit.",
)
RATE_LIMIT_PASSWORD = Setting(
    name="KEYTURN_RATE_LIMIT_PASSWORD",
    kind=RATE_LIMIT,
    reach=reach.PASSWORD_CHANGES,
    default="10 per minute",
    why="Password resets and changes from one address.",
)

MAIL = Setting(
    name="KEYTURN_MAIL_URL",
    kind=MAIL_URL,
    reach=reach.EVERYWHERE,
    default="console:",
    why="How mail leaves: written to the console, kept in memory, appended to a file, or by SMTP.",
)
SMS = Setting(
    name="KEYTURN_SMS_URL",
    kind=SMS_URL,
    reach=reach.PHONE_NUMBERS,
    default="console:",
    why="How text messages leave: console, memory, file, or an HTTP gateway.",
)
MAIL_FROM = Setting(
    name="KEYTURN_MAIL_FROM",
    kind=MAIL_SENDER,
    reach=reach.SMTP,
    default="Keyturn <no-reply@localhost>",
    why="The sender that people see.",
)

SECTIONS: tuple[tuple[str, tuple[Setting[object], ...]], ...] = (
    ("Service", (ENV, CONTRACTS)),
    ("Keys", (SECRET_KEY, SECRET_KEY_FALLBACKS, JWT_ALGORITHM_NAME)),
    ("Tokens", (ACCESS_TOKEN_TYPE, ACCESS_TOKEN_CHECK, ACCESS_TOKEN_SECONDS)),
    (
        "Sessions",
        (
            SESSION_INACTIVITY_SECONDS,
            SESSION_ABSOLUTE_SECONDS,
            REFRESH_GRACE_SECONDS,
            REFRESH_RECOVERY_SECONDS,
            SESSION_RETENTION_SECONDS,
            EVENT_RETENTION_SECONDS,
        ),
    ),
    (
        "Database and Redis",
        (
            DATABASE,
            DATABASE_POOL_SIZE,
            DATABASE_POOL_TIMEOUT_SECONDS,
            DATABASE_LOCK_TIMEOUT_SECONDS,
            DATABASE_ASYNCHRONOUS_ROTATION,
            DATABASE_TRANSACTION_POOLING,
            REDIS,
        ),
    ),
    ("Web", (PUBLIC_ADDRESS, ALLOWED_ORIGINS, TRUSTED_PROXIES, MAX_BODY_BYTES)),
    ("Pages", (PAGES, PAGES_HOME)),
    (
        "Cookies",
        (COOKIE_SECURE, COOKIE_SAME_SITE, COOKIE_DOMAIN_NAME, COOKIE_NAME_PREFIX, CSRF_DOUBLE_SUBMIT),
    ),
    (
        "Passwords",
        (
            PASSWORD_MINIMUM_LENGTH,
            PASSWORD_MAXIMUM_LENGTH,
            PASSWORD_STRENGTH,
            BREACHED_PASSWORDS,
            PASSWORD_RESET_SECONDS,
            PASSWORD_ARGON2_MEMORY_KIB,
            PASSWORD_ARGON2_ITERATIONS,
            PASSWORD_ARGON2_PARALLELISM,
            PASSWORD_HASH_CONCURRENCY,
        ),
    ),
    ("Codes by mail and SMS", (PASSWORDLESS, CODE_SECONDS, MESSAGES_PER_HOUR)),
    (
        "Second factors",
        (
            MFA_METHODS,
            MFA_REQUIRED,
            MFA_ISSUER,
            TRUSTED_DEVICE_SECONDS,
            REAUTHENTICATION_SECONDS,
        ),
    ),
    (
        "Failed logins",
        (
            LOGIN_ATTEMPTS,
            LOGIN_WINDOW_SECONDS,
            LOGIN_LOCK_SECONDS,
            LOGIN_ACCOUNT_ATTEMPTS,
            LOGIN_ACCOUNT_WINDOW_SECONDS,
        ),
    ),
    ("Rate limits", (RATE_LIMIT_LOGIN, RATE_LIMIT_SIGNUP, RATE_LIMIT_REFRESH, RATE_LIMIT_PASSWORD)),
    ("Delivery", (MAIL, SMS, MAIL_FROM)),
)
ALL: tuple[Setting[object], ...] = tuple(setting for _, settings in SECTIONS for setting in settings)
PER_CONTRACT: tuple[Setting[object], ...] = tuple(setting for setting in ALL if setting.per_contract)
