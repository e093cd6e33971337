"""Where a setting has an effect. One that nothing would read is refused, rather than left to do nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.model import AccessTokenType, Environment, Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from config.model import ContractDefaults, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """`needs` is what a setting has no effect without, `given` tells whether these settings have it.

    `brings` tells which contracts have it by themselves, and `advice` what else there is to do.
    """

    needs: str
    given: Callable[[Settings], bool]
    brings: Callable[[ContractDefaults], bool] = lambda _documents: False
    advice: str = ""

    def bringers(self, known: Mapping[str, ContractDefaults]) -> list[str]:
        """Return the contracts with any of which the setting has an effect."""
        return [name for name, documents in known.items() if self.brings(documents)]


def _where(offer: Offer) -> Reach:
    def brings(documents: ContractDefaults) -> bool:
        return offer in documents.offers

    return Reach(
        needs=f"a contract that {offer}",
        given=lambda settings: any(brings(contract.documents) for contract in settings.contracts),
        brings=brings,
    )


def _sends_cookies(settings: Settings) -> bool:
    types = {contract.tokens.access_token_type for contract in settings.contracts}
    return settings.pages is not None or types != {AccessTokenType.HEADER}


def _names_a_sender(settings: Settings) -> bool:
    # Elsewhere than in production one set of settings may well go with a mail server and without.
    is_sent = settings.delivery.mail_url.reveal().startswith("smtp")
    return is_sent or settings.environment is not Environment.PRODUCTION


EVERYWHERE = Reach(needs="", given=lambda _settings: True)
SIGN_UP = _where(Offer.SIGN_UP)
PASSWORD_CHANGES = _where(Offer.PASSWORD_CHANGES)
PASSWORD_RESETS = _where(Offer.PASSWORD_RESETS)
PHONE_NUMBERS = _where(Offer.PHONE_NUMBERS)
LOGIN_CODES = _where(Offer.LOGIN_CODES)
SECOND_FACTORS = _where(Offer.SECOND_FACTORS)
TRUSTED_DEVICES = _where(Offer.TRUSTED_DEVICES)
RECENT_PROOFS = _where(Offer.RECENT_PROOFS)
LOGIN_RULE = _where(Offer.LOGIN_RULE)
COOKIES = Reach(
    needs="cookies: pages, or a contract that sends tokens in them",
    given=_sends_cookies,
    brings=lambda documents: documents.carries_pages,
    advice="set KEYTURN_ACCESS_TOKEN_TYPE=cookie",
)
SMTP = Reach(
    needs="mail that leaves by SMTP, in production",
    given=_names_a_sender,
    advice="set KEYTURN_MAIL_URL=smtp://user:password@host:587",
)
