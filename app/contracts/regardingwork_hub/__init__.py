"""The regardingwork_hub contract: snake_case, integer ids, one `error` text per refusal."""

from datetime import timedelta

from app.contracts.regardingwork_hub import presenter
from app.contracts.regardingwork_hub.errors import ERRORS
from app.contracts.regardingwork_hub.schemas import ErrorAnswer
from app.contracts.regardingwork_hub.views import blueprint
from app.engine.refresh_tokens import EnvelopeForm
from app.http.contract import Contract, CookieNames
from config import ContractDefaults, Offer

CONTRACT = Contract(
    name="regardingwork_hub",
    title="RegardingWork Hub",
    blueprint=blueprint,
    defaults=ContractDefaults(
        prefix="/api",
        access_lifetime=timedelta(hours=24),
        inactivity_timeout=timedelta(days=30),
        absolute_lifetime=timedelta(days=90),
        grace=timedelta(seconds=30),
        recovery=timedelta(days=1),
        offers=frozenset({Offer.SIGN_UP, Offer.LOGIN_RULE}),
    ),
    cookies=CookieNames(
        access="regardingwork_hub_access",
        refresh="regardingwork_hub_refresh",
        remember="regardingwork_hub_remember",
        csrf="regardingwork_hub_csrf",
    ),
    refresh_form=lambda keyring: EnvelopeForm(keyring, presenter.refresh_claims),
    access_claims=presenter.access_claims,
    errors=ERRORS,
    error_body=presenter.error_body,
    error_schema=ErrorAnswer,
    refuses_due_password=True,
)
