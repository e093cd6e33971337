"""Proving a second factor on a page: to finish a sign-in, or to confirm who one is."""

from typing import Any

from app.engine.errors import SecondFactorNotEnabled
from app.engine.mfa import Holder
from app.pages.visiting import PageVisit
from config import FactorMethod

RECOVERY = "recovery"


def factor_method(asked: str | None) -> FactorMethod | None:
    """Return the factor that a form names, None for a recovery code.

    Raises:
        SecondFactorNotEnabled: there is none of this name.
    """
    if asked == RECOVERY:
        return None
    try:
        return FactorMethod(asked or "")
    except ValueError as error:
        raise SecondFactorNotEnabled(asked or "") from error


def send_factor_code(visit: PageVisit, form: dict[str, Any]) -> None:
    """Send a code by mail or SMS, to be typed in this session.

    Raises:
        SecondFactorNotEnabled: the person does not have this factor, or nothing is sent for it.
        RateLimited: enough was sent for now.
    """
    method = factor_method(form["method"])
    if method is None:
        raise SecondFactorNotEnabled(RECOVERY)
    session, person, _ = visit.signed_in
    visit.engine.second_factors.challenge(Holder(person, str(session.id)), method, visit.client)
