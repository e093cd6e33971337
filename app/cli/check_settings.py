"""What accepted settings mean, and which of them are likely to be a mistake."""

from collections.abc import Iterator, Mapping

from app.cli.finding import Finding, Verdict
from app.http.runtime import Mount
from config import (
    AccessTokenType,
    ContractSettings,
    DeliverySettings,
    Environment,
    Offer,
    Settings,
    WebSettings,
)
from config.addresses import is_loopback
from config.reach import PHONE_NUMBERS


def examine_settings(settings: Settings, mounts: Mapping[str, Mount]) -> Iterator[Finding]:
    """Examine everything that needs no store."""
    yield _environment(settings.environment)
    yield _public_url(settings.web)
    for mount in mounts.values():
        yield _cookies(mount, settings)
        yield _lifetimes(mount.settings)
    yield _proxies(settings.web)
    yield _mail(settings.delivery, settings.environment)
    if PHONE_NUMBERS.given(settings):
        yield _text_messages(settings.delivery, settings.environment)
    if settings.second_factors.required:
        yield _required_factor(settings)


def _environment(environment: Environment) -> Finding:
    if environment is Environment.PRODUCTION:
        return Finding("settings", Verdict.OK, "every setting was accepted, for production")
    message = f"accepted, for {environment}: set KEYTURN_ENV=production where people log in"
    return Finding("settings", Verdict.WARNING, message)


def _public_url(web: WebSettings) -> Finding:
    if web.public_url.startswith("https:") or is_loopback(web.public_url):
        return Finding("address", Verdict.OK, web.public_url)
    message = f"{web.public_url} is not https: tokens and passwords cross the network in clear"
    return Finding("address", Verdict.WARNING, message)


_SENT = {
    AccessTokenType.HEADER: (),
    AccessTokenType.COOKIE: ("to every client",),
    AccessTokenType.CLIENT: ("to clients that ask for them",),
}


def _cookies(mount: Mount, settings: Settings) -> Finding:
    contract, cookies, pages = mount.settings, settings.cookies, settings.pages
    place = f"{contract.name} at {contract.prefix}"
    sent = [*_SENT[contract.tokens.access_token_type]]
    if pages is not None and pages.prefix is not None and pages.contract == contract.name:
        sent.append(f"by the pages at {pages.prefix}")
    if not sent:
        return Finding("cookies", Verdict.OK, f"{place}: none, tokens travel in body and header")
    names = f"{mount.cookies.names.access}, {mount.cookies.names.refresh}"
    attributes = f"HttpOnly, {'Secure, ' if cookies.secure else ''}SameSite={cookies.same_site}"
    message = f"{place}: {names} ({attributes}) {' and '.join(sent)}"
    if cookies.secure and not settings.web.public_url.startswith("https:"):
        trouble = "; some browsers drop Secure cookies that come over http, even from this machine"
        return Finding("cookies", Verdict.WARNING, message + trouble)
    if not cookies.secure:
        return Finding("cookies", Verdict.WARNING, f"{message}; without Secure, for development only")
    return Finding("cookies", Verdict.OK, message)


def _lifetimes(contract: ContractSettings) -> Finding:
    tokens = contract.tokens
    access, idle = (
        f"{span.total_seconds():.0f} s" for span in (tokens.access_lifetime, tokens.inactivity_timeout)
    )
    message = f"{contract.name}: {access} for an access token, {idle} without a refresh for a session"
    if tokens.access_lifetime >= tokens.inactivity_timeout < tokens.absolute_lifetime:
        trouble = "; a client that waits with the refresh until the access token expires has lost the session"
        return Finding("lifetimes", Verdict.WARNING, message + trouble)
    return Finding("lifetimes", Verdict.OK, message)


def _proxies(web: WebSettings) -> Finding:
    if web.trusted_proxies:
        message = f"{web.trusted_proxies} in front are believed about the address and the scheme"
        return Finding("proxies", Verdict.OK, message)
    if web.public_url.startswith("https:"):
        message = (
            "none is believed, yet an https address has one in front: everybody shares its address and its "
            "rate limits. Set KEYTURN_TRUSTED_PROXIES to their number"
        )
        return Finding("proxies", Verdict.WARNING, message)
    return Finding("proxies", Verdict.OK, "none is believed; the address of the connection counts")


def _mail(delivery: DeliverySettings, environment: Environment) -> Finding:
    scheme = delivery.mail_url.reveal().partition(":")[0]
    if environment is Environment.PRODUCTION and scheme not in {"smtp", "smtps"}:
        message = f"goes to {scheme} and reaches nobody: set KEYTURN_MAIL_URL=smtp://user:password@host:587"
        return Finding("mail", Verdict.WARNING, message)
    return Finding("mail", Verdict.OK, f"goes to {scheme}, from {delivery.mail_from}")


def _text_messages(delivery: DeliverySettings, environment: Environment) -> Finding:
    scheme = delivery.sms_url.reveal().partition(":")[0]
    if environment is Environment.PRODUCTION and scheme not in {"http", "https"}:
        message = f"go to {scheme} and reach nobody who signs up by number: set KEYTURN_SMS_URL to a gateway"
        return Finding("sms", Verdict.WARNING, message)
    return Finding("sms", Verdict.OK, f"go to {scheme}")


def _required_factor(settings: Settings) -> Finding:
    unable = [
        contract.name
        for contract in settings.contracts
        if Offer.SECOND_FACTORS not in contract.documents.offers
    ]
    if not unable:
        return Finding("mfa", Verdict.OK, "a second factor is asked of everybody")
    message = f"a second factor is asked of everybody, and {', '.join(unable)} cannot: nobody logs in there"
    return Finding("mfa", Verdict.WARNING, message)
