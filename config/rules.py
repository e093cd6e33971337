"""Rules between settings. Each is one sentence, which the documentation prints, and one check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config import table
from config.addresses import is_loopback
from config.model import AccessTokenCheck, AccessTokenType, Environment, FactorMethod, SameSite
from config.reach import LOGIN_CODES, PHONE_NUMBERS, SECOND_FACTORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from config.model import ContractSettings, Settings
    from config.reading import Reading


_MARIADB = ("mysql", "mariadb")
_REACHING_NOBODY = ("console:", "memory:")


@dataclass(frozen=True, slots=True)
class Rule:
    says: str
    check: Callable[[Settings, Reading], None]


def may_send_cookies_without_tls(environment: Environment, public_url: str) -> bool:
    return (
        environment is Environment.DEVELOPMENT and public_url.startswith("http:") and is_loopback(public_url)
    )


def _recovery(settings: Settings, reading: Reading) -> None:
    for contract in settings.contracts:
        if contract.tokens.recovery == timedelta(0):
            continue
        recovery, check, grace = (
            reading.source(setting, contract.name)
            for setting in (
                table.REFRESH_RECOVERY_SECONDS,
                table.ACCESS_TOKEN_CHECK,
                table.REFRESH_GRACE_SECONDS,
            )
        )
        off = table.REFRESH_RECOVERY_SECONDS.override(contract.name)
        if contract.tokens.access_token_check is not AccessTokenCheck.SESSION:
            reading.refuse(
                f"is above 0 while {contract.name} checks access tokens by signature and sees no use. "
                f"Set {off}=0, or {check}=session.",
                *(recovery, check),
            )
        if contract.tokens.grace == timedelta(0):
            reading.refuse(
                f"is above 0 while {contract.name} has no grace period, which means strict single use. "
                f"Set {off}=0, or {grace} above 0.",
                *(recovery, grace),
            )
        elif contract.tokens.recovery <= contract.tokens.grace:
            reading.refuse(
                f"is not longer than the grace period of {contract.name}, within which every client may come "
                f"back anyway. Raise it above {grace}, or set {off}=0.",
                *(recovery, grace),
            )


def _newest_access_token(settings: Settings, reading: Reading) -> None:
    for contract in settings.contracts:
        is_checked = contract.tokens.access_token_check is AccessTokenCheck.SESSION
        if contract.documents.access_dies_at_refresh and not is_checked:
            reading.refuse(
                f"is signature while {contract.name} promises that access tokens die at refresh, which only "
                f"the session can tell. Set {table.ACCESS_TOKEN_CHECK.override(contract.name)}=session.",
                reading.source(table.ACCESS_TOKEN_CHECK, contract.name),
            )


def _lifetimes(settings: Settings, reading: Reading) -> None:
    for contract in settings.contracts:
        tokens = contract.tokens
        _within_absolute(reading, contract, table.SESSION_INACTIVITY_SECONDS, tokens.inactivity_timeout)
        _within_absolute(reading, contract, table.ACCESS_TOKEN_SECONDS, tokens.access_lifetime)


def _within_absolute(
    reading: Reading, contract: ContractSettings, setting: table.Setting[timedelta], duration: timedelta
) -> None:
    most = contract.tokens.absolute_lifetime
    if duration <= most:
        return
    name = reading.source(setting, contract.name)
    absolute = reading.source(table.SESSION_ABSOLUTE_SECONDS, contract.name)
    reading.refuse(
        f"is longer than a {contract.name} session may last, {most.total_seconds():.0f} seconds. "
        f"Lower it, or raise {absolute}.",
        *(name, absolute),
    )


def _required_factor(settings: Settings, reading: Reading) -> None:
    can_ask = SECOND_FACTORS.given(settings)
    if settings.second_factors.required and not can_ask:
        served = ", ".join(contract.name for contract in settings.contracts)
        reading.refuse(
            f"is true while {served} cannot ask for a second factor, so nobody could log in. "
            "Serve a contract that can, such as nest_auth, or set false.",
            *(table.MFA_REQUIRED.name, table.CONTRACTS.name),
        )


def _factor_methods(settings: Settings, reading: Reading) -> None:
    methods, name = settings.second_factors.methods, table.MFA_METHODS.name
    if FactorMethod.TOTP not in methods and settings.second_factors.required:
        reading.refuse(
            f"is true while {name} offers no authenticator app, which new people enrol, so whoever signs up "
            f"would be locked out. Add totp to {name}, or set false.",
            *(table.MFA_REQUIRED.name, name),
        )
    if FactorMethod.SMS in methods and SECOND_FACTORS.given(settings) and not PHONE_NUMBERS.given(settings):
        reading.refuse(
            "offers sms, and no contract that is served proves phone numbers. "
            "Remove sms, or serve one that does, such as nest_auth.",
            *(name, table.CONTRACTS.name),
        )


def _codes_that_leave(settings: Settings, reading: Reading) -> None:
    if settings.environment is not Environment.PRODUCTION:
        return
    mail, sms = (
        not url.reveal().startswith(_REACHING_NOBODY)
        for url in (settings.delivery.mail_url, settings.delivery.sms_url)
    )
    methods = settings.second_factors.methods
    if FactorMethod.SMS in methods and not sms and PHONE_NUMBERS.given(settings):
        reading.refuse(
            f"offers sms, and no text message leaves this machine. Set {table.SMS.name} to a gateway, "
            "or remove sms.",
            *(table.MFA_METHODS.name, table.SMS.name),
        )
    # The default offers it too, for the day on which mail leaves.
    is_asked_for = FactorMethod.EMAIL in methods and not table.MFA_METHODS.is_default(methods)
    if is_asked_for and not mail and SECOND_FACTORS.given(settings):
        reading.refuse(
            f"offers email, and no mail leaves this machine. Set {table.MAIL.name} to a mail server, "
            "or remove email.",
            *(table.MFA_METHODS.name, table.MAIL.name),
        )
    if settings.codes.passwordless and not mail and not sms and LOGIN_CODES.given(settings):
        reading.refuse(
            "is true, and neither mail nor text messages leave this machine, so login codes would reach its "
            f"log and nobody else. Set {table.MAIL.name} or {table.SMS.name}, or set false.",
            *(table.PASSWORDLESS.name, table.MAIL.name, table.SMS.name),
        )


def _transaction_pooling(settings: Settings, reading: Reading) -> None:
    database = settings.database
    if database.transaction_pooling and not database.url.startswith("postgresql"):
        reading.refuse(
            "is true, and only connections to PostgreSQL are made differently for it. "
            f"Remove it, or set {table.DATABASE.name} to the address of the pooler.",
            *(table.DATABASE_TRANSACTION_POOLING.name, table.DATABASE.name),
        )


def _asynchronous_rotation(settings: Settings, reading: Reading) -> None:
    database, name = settings.database, table.DATABASE_ASYNCHRONOUS_ROTATION.name
    # Without being set it is true as well, as the default for every database.
    if database.asynchronous_rotation and reading.is_set(name) and database.url.startswith(_MARIADB):
        reading.refuse(
            "is true, and MariaDB cannot spare one statement alone the wait for the disk. "
            "Remove it, or set false.",
            *(name, table.DATABASE.name),
        )


def _cookie_transport(settings: Settings, reading: Reading) -> None:
    url = settings.web.public_url
    if url.startswith("https:") or is_loopback(url):
        return
    senders = [
        contract.name
        for contract in settings.contracts
        if contract.tokens.access_token_type is not AccessTokenType.HEADER
    ]
    # Contracts may share a setting.
    remedies = {reading.source(table.ACCESS_TOKEN_TYPE, name): "header" for name in senders}
    if settings.pages is not None and settings.pages.prefix is not None:
        senders.append("the pages")
        remedies[table.PAGES.name] = "off"
    if senders:
        reading.refuse(
            f"is http and not localhost, where browsers drop the cookies of {_listed(senders)}, so nobody "
            "would stay signed in. Use an https address, or http://localhost on one's own machine, or set "
            f"{_listed(f'{setting}={value}' for setting, value in remedies.items())}.",
            *(table.PUBLIC_ADDRESS.name, *remedies),
        )


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)


def _secure_cookies(settings: Settings, reading: Reading) -> None:
    needed = not may_send_cookies_without_tls(settings.environment, settings.web.public_url)
    if needed and not settings.cookies.secure:
        reading.refuse(
            "is false, which is only for development under http on this machine. "
            f"Remove it, or set {table.ENV.name}=development and {table.PUBLIC_ADDRESS.name}=http://localhost.",
            *(table.COOKIE_SECURE.name, table.ENV.name, table.PUBLIC_ADDRESS.name),
        )


def _same_site(settings: Settings, reading: Reading) -> None:
    if settings.cookies.same_site is SameSite.NONE and not settings.cookies.secure:
        reading.refuse(
            "is None, and browsers drop such cookies without Secure. Set it to Lax or Strict, or "
            f"{table.COOKIE_SECURE.name}=true.",
            *(table.COOKIE_SAME_SITE.name, table.COOKIE_SECURE.name),
        )


def _cookie_prefix(settings: Settings, reading: Reading) -> None:
    cookies = settings.cookies
    prefix, secure, domain = (
        table.COOKIE_NAME_PREFIX.name,
        table.COOKIE_SECURE.name,
        table.COOKIE_DOMAIN_NAME.name,
    )
    if cookies.prefix and not cookies.secure:
        reading.refuse(
            f"asks for {cookies.prefix} cookies, which browsers drop without Secure. "
            f"Set it to none, or {secure}=true.",
            *(prefix, secure),
        )
    if cookies.prefix == "__Host-" and cookies.domain is not None:
        reading.refuse(
            "asks for __Host- cookies, which browsers drop when they have a Domain. "
            f"Set it to secure or none, or remove {domain}.",
            *(prefix, domain),
        )


def _cookie_domain(settings: Settings, reading: Reading) -> None:
    domain, host = settings.cookies.domain, urlsplit(settings.web.public_url).hostname
    if domain is not None and not f".{host}".endswith(f".{domain}"):
        reading.refuse(
            f"is neither the public URL's host {host} nor a domain above it, so browsers drop the cookies. "
            f"Correct it or {table.PUBLIC_ADDRESS.name}, or remove it.",
            *(table.COOKIE_DOMAIN_NAME.name, table.PUBLIC_ADDRESS.name),
        )


def _password_lengths(settings: Settings, reading: Reading) -> None:
    least, most = table.PASSWORD_MINIMUM_LENGTH.name, table.PASSWORD_MAXIMUM_LENGTH.name
    if settings.passwords.minimum_length > settings.passwords.maximum_length:
        reading.refuse(f"is above {most}. Lower it, or raise {most}.", *(least, most))


_ARGON2 = (
    table.PASSWORD_ARGON2_MEMORY_KIB.name,
    table.PASSWORD_ARGON2_ITERATIONS.name,
    table.PASSWORD_ARGON2_PARALLELISM.name,
)
# Equal strengths from the OWASP Password Storage Cheat Sheet: memory in KiB, iterations.
_ARGON2_FLOOR = ((47_104, 1), (19_456, 2), (12_288, 3))


def _argon2(settings: Settings, reading: Reading) -> None:
    passwords = settings.passwords
    if passwords.argon2_memory_kib < 8 * passwords.argon2_parallelism:
        reading.refuse(
            f"is less than 8 KiB for each lane, which argon2 needs. Raise it, or lower {_ARGON2[2]}.",
            *_ARGON2,
        )
    strong = any(
        passwords.argon2_memory_kib >= memory and passwords.argon2_iterations >= iterations
        for memory, iterations in _ARGON2_FLOOR
    )
    if settings.environment is Environment.PRODUCTION and not strong:
        accepted = ", ".join(f"{memory} with {iterations}" for memory, iterations in _ARGON2_FLOOR)
        reading.refuse(
            f"is too little for production with {passwords.argon2_iterations} iterations. "
            f"At least: {accepted}.",
            *(*_ARGON2, table.ENV.name),
        )


RULES = (
    Rule(
        "Recovery above 0 needs access tokens checked against the session, and a grace period above 0, which "
        "it outlasts.",
        _recovery,
    ),
    Rule(
        "Contracts in which access tokens die at refresh (`seven_g`) check them against the session.",
        _newest_access_token,
    ),
    Rule(
        "No access token and no inactivity timeout is longer than the session's absolute lifetime.",
        _lifetimes,
    ),
    Rule(
        "A second factor is required of everybody only where a contract is served that can ask for it.",
        _required_factor,
    ),
    Rule(
        "Where it is, `totp` is among the methods. `sms` is offered only where a contract is served that "
        "proves phone numbers.",
        _factor_methods,
    ),
    Rule(
        "In production, `sms` is a second factor only where text messages leave the machine, and `email`, "
        "except in the default, where mail does. Login by a code needs either: `console:` and `memory:` "
        "reach nobody.",
        _codes_that_leave,
    ),
    Rule("Transaction pooling is for PostgreSQL.", _transaction_pooling),
    Rule("Asynchronous rotation is not asked for on MariaDB, which has none.", _asynchronous_rotation),
    Rule(
        "Pages, and contracts that send cookies, need an https public URL, unless it is on this machine.",
        _cookie_transport,
    ),
    Rule(
        "Cookies are Secure, except in development under an http public URL on this machine.", _secure_cookies
    ),
    Rule("`SameSite=None` needs Secure cookies.", _same_site),
    Rule("A cookie prefix needs Secure cookies, and `__Host-` allows no cookie domain.", _cookie_prefix),
    Rule("The cookie domain is the public URL's host or a domain above it.", _cookie_domain),
    Rule("The shortest password is no longer than the longest.", _password_lengths),
    Rule(
        "argon2id needs 8 KiB for each lane, and in production a strength that OWASP recommends: "
        + ", ".join(f"{memory} KiB with {iterations}" for memory, iterations in _ARGON2_FLOOR)
        + " iterations.",
        _argon2,
    ),
)
