"""One's second factors: authenticator apps, recovery codes, and whether they are asked for."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response

from app.engine.errors import InvalidSecondFactor
from app.engine.mfa import RecoveryForm
from app.http.operations import Access
from app.http.qr_code import qr_png
from app.pages import forms
from app.pages.page import Page
from app.pages.visiting import PageVisit
from config import FactorMethod

second_factors = Blueprint("second_factors", __name__)


@second_factors.get("/second-factors")
@Page()
def overview(visit: PageVisit) -> Response:
    """Show what is set up and what is asked for."""
    status = visit.engine.second_factors.status(visit.signed_in.person.id)
    offers_apps = FactorMethod.TOTP in visit.engine.second_factors.methods
    return visit.show("second_factors.html", factors=status, offers_apps=offers_apps)


@second_factors.get("/second-factors/app")
@Page(access=Access.PARTIAL)
def enrol(visit: PageVisit) -> Response:
    """Explain what an authenticator app is for, and ask what to call this one."""
    return visit.show("enrol.html")


@second_factors.post("/second-factors/app")
@Page(access=Access.PARTIAL, form=forms.DeviceForm, limit="login", shown_by=enrol)
def show_secret(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Make a secret, show it once, and ask for a code of it."""
    enrolment = visit.engine.factor_changes.begin_totp(visit.signed_in, name=form["name"])
    return visit.show("confirm_app.html", enrolment=enrolment, qr=qr_png(enrolment.uri))


@second_factors.get("/second-factors/app/code")
@Page(access=Access.PARTIAL)
def ask_again(visit: PageVisit) -> Response:
    """Show a secret once more to the person who has just sent it with a code that was wrong.

    What never was one of ours has come from no page of ours: there is nothing to show, and another is made.
    """
    typed = (visit.typed or {}).get("secret", "")
    try:
        enrolment = visit.engine.factor_changes.enrolment(visit.signed_in.person, typed)
    except InvalidSecondFactor:
        return visit.go_to("second_factors.enrol", next=visit.next)
    return visit.show("confirm_app.html", enrolment=enrolment, qr=qr_png(enrolment.uri))


@second_factors.post("/second-factors/app/code")
@Page(access=Access.PARTIAL, form=forms.AppForm, limit="login", shown_by=ask_again)
def confirm_app(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Let the app count; whoever has no recovery codes is shown the first ones."""
    found, changes = visit.signed_in, visit.engine.factor_changes
    changes.confirm_totp(found, form["secret"], form["code"], visit.client)
    if found.session.mfa_pending:
        return visit.go_to("signing_in.second_factor", done="app-added", next=visit.next)
    if visit.engine.second_factors.status(found.person.id).recovery_codes_left:
        return visit.go_to("second_factors.overview", done="app-added")
    return _show_new_codes(visit)


@second_factors.post("/second-factors/app/<uuid:device_id>/remove")
@Page(shown_by=overview)
def remove_app(visit: PageVisit, device_id: UUID) -> Response:
    """Forget an app; with the last factor the second factor is off."""
    visit.engine.factor_changes.remove_device(visit.signed_in, device_id, visit.client)
    return visit.go_to("second_factors.overview", done="app-removed")


@second_factors.post("/second-factors/recovery-codes")
@Page(shown_by=overview)
def renew_codes(visit: PageVisit) -> Response:
    """Show new recovery codes, once; the former ones are worthless."""
    return _show_new_codes(visit)


@second_factors.post("/second-factors/on")
@Page(shown_by=overview)
def switch_on(visit: PageVisit) -> Response:
    """Ask for a second factor from now on, of those that the person has."""
    visit.engine.factor_changes.set_enabled(visit.signed_in, visit.client, enabled=True)
    return visit.go_to("second_factors.overview", done="factor-on")


@second_factors.post("/second-factors/off")
@Page(shown_by=overview)
def switch_off(visit: PageVisit) -> Response:
    """Ask for none any more."""
    visit.engine.factor_changes.set_enabled(visit.signed_in, visit.client, enabled=False)
    return visit.go_to("second_factors.overview", done="factor-off")


def _show_new_codes(visit: PageVisit) -> Response:
    found = visit.engine.sessions.look_up(visit.signed_in.session.id)
    codes = visit.engine.factor_changes.renew_recovery_codes(found, RecoveryForm.LONG, visit.client)
    return visit.show("recovery_codes.html", codes=codes)
