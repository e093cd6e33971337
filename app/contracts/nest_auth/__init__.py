"""The nest_auth contract: the home of `accessTokenType`, and the default one."""

from datetime import timedelta

from app.contracts.nest_auth import presenter
from app.contracts.nest_auth.errors import ERRORS
from app.contracts.nest_auth.invitations import invitations
from app.contracts.nest_auth.mfa import mfa
from app.contracts.nest_auth.recovery import recovery
from app.contracts.nest_auth.schemas import ErrorAnswer
from app.contracts.nest_auth.views import blueprint
from app.engine.refresh_tokens import EnvelopeForm
from app.http.contract import Contract, CookieNames
from config import ContractDefaults, Offer

blueprint.register_blueprint(mfa)
blueprint.register_blueprint(recovery)
blueprint.register_blueprint(invitations)

CONTRACT = Contract(
    name="nest_auth",
    title="NestAuth",
    blueprint=blueprint,
    defaults=ContractDefaults(
        prefix="/auth",
        access_lifetime=timedelta(hours=1),
        inactivity_timeout=timedelta(days=30),
        absolute_lifetime=timedelta(days=90),
        grace=timedelta(seconds=30),
        recovery=timedelta(days=1),
        offers=frozenset(Offer),
        carries_pages=True,
    ),
    cookies=CookieNames(
        access="accessToken",
        refresh="refreshToken",
        remember="nest_auth_remember",
        csrf="nest_auth_csrf",
        trust="nest_auth_device_trust",
    ),
    refresh_form=lambda keyring: EnvelopeForm(keyring, presenter.refresh_claims),
    access_claims=presenter.access_claims,
    errors=ERRORS,
    error_body=presenter.error_body,
    error_schema=ErrorAnswer,
    max_sessions_per_person=10,
    opens_pending=True,
)
