"""The entryguard contract: organizations sign up, and people log in to one of them by its slug."""

from datetime import timedelta

from app.contracts.entryguard import presenter
from app.contracts.entryguard.errors import ERRORS
from app.contracts.entryguard.mfa import mfa
from app.contracts.entryguard.passwords import passwords
from app.contracts.entryguard.schemas import ErrorAnswer
from app.contracts.entryguard.users import users
from app.contracts.entryguard.views import blueprint
from app.engine.refresh_tokens import OpaqueForm
from app.http.contract import Contract, CookieNames
from config import ContractDefaults, Offer

blueprint.register_blueprint(passwords)
blueprint.register_blueprint(mfa)
blueprint.register_blueprint(users)

CONTRACT = Contract(
    name="entryguard",
    title="EntryGuard",
    blueprint=blueprint,
    defaults=ContractDefaults(
        prefix="/api/v1",
        access_lifetime=timedelta(hours=1),
        inactivity_timeout=timedelta(days=7),
        absolute_lifetime=timedelta(days=90),
        # The documentation promises that a refresh token dies at its first use.
        grace=timedelta(0),
        recovery=timedelta(0),
        offers=frozenset(
            {
                Offer.SIGN_UP,
                Offer.PASSWORD_CHANGES,
                Offer.PASSWORD_RESETS,
                Offer.RECENT_PROOFS,
                Offer.LOGIN_RULE,
            }
        ),
    ),
    cookies=CookieNames(
        access="entryguard_access",
        refresh="entryguard_refresh",
        remember="entryguard_remember",
        csrf="entryguard_csrf",
    ),
    refresh_form=OpaqueForm,
    access_claims=presenter.access_claims,
    errors=ERRORS,
    error_body=presenter.error_body,
    error_schema=ErrorAnswer,
    wants_password_first=True,
    challenges_second_factor=True,
)
