"""The falcon_alert contract: camelCase tokens, snake_case people, roles that belong to kinds of client."""

from datetime import timedelta

from app.contracts.falcon_alert import presenter
from app.contracts.falcon_alert.errors import ERRORS
from app.contracts.falcon_alert.schemas import ErrorAnswer
from app.contracts.falcon_alert.views import blueprint
from app.engine.refresh_tokens import EnvelopeForm
from app.http.contract import Contract, CookieNames
from config import ContractDefaults, Offer

CONTRACT = Contract(
    name="falcon_alert",
    title="FalconAlert",
    blueprint=blueprint,
    defaults=ContractDefaults(
        prefix="/",
        access_lifetime=timedelta(hours=1),
        inactivity_timeout=timedelta(days=7),
        absolute_lifetime=timedelta(days=90),
        grace=timedelta(0),
        recovery=timedelta(0),
        offers=frozenset({Offer.SIGN_UP, Offer.PASSWORD_CHANGES, Offer.RECENT_PROOFS, Offer.LOGIN_RULE}),
    ),
    cookies=CookieNames(
        access="falcon_alert_access",
        refresh="falcon_alert_refresh",
        remember="falcon_alert_remember",
        csrf="falcon_alert_csrf",
    ),
    refresh_form=lambda keyring: EnvelopeForm(keyring, presenter.refresh_claims),
    access_claims=presenter.access_claims,
    errors=ERRORS,
    error_body=presenter.error_body,
    error_schema=ErrorAnswer,
    exact_bearer=True,
)
