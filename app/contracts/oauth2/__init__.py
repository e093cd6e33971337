"""The oauth2 contract: token, revocation and introspection endpoints for registered first-party applications.

Source: RFC 6749 sections 4.3, 5 and 6; RFC 7009; RFC 7662; RFC 8414. No scopes are granted: an application of
the house acts with all the rights of the person, and a limit that nobody enforces must not be promised.
"""

from datetime import timedelta

from app.contracts.oauth2 import presenter
from app.contracts.oauth2.errors import ERRORS
from app.contracts.oauth2.schemas import ErrorAnswer
from app.contracts.oauth2.views import blueprint, root_blueprint
from app.engine.refresh_tokens import OpaqueForm
from app.http.contract import Contract, CookieNames
from config import ContractDefaults, Offer

CONTRACT = Contract(
    name="oauth2",
    title="OAuth 2.0",
    blueprint=blueprint,
    root_blueprint=root_blueprint,
    defaults=ContractDefaults(
        prefix="/oauth",
        access_lifetime=timedelta(hours=1),
        inactivity_timeout=timedelta(days=30),
        absolute_lifetime=timedelta(days=90),
        grace=timedelta(seconds=30),
        # Access tokens are used at other services and introspection leaves no trace, so use cannot be seen.
        recovery=timedelta(0),
        offers=frozenset({Offer.LOGIN_RULE}),
    ),
    cookies=CookieNames(
        access="oauth2_access", refresh="oauth2_refresh", remember="oauth2_remember", csrf="oauth2_csrf"
    ),
    refresh_form=OpaqueForm,
    access_claims=presenter.access_claims,
    errors=ERRORS,
    error_body=presenter.error_body,
    error_schema=ErrorAnswer,
    refuses_due_password=True,
)
