"""Signing up, in, by the second factor, and out."""

from typing import Any

from flask import Blueprint, Response, request

from app.engine.accounts import Registration
from app.engine.identifiers import Identifier, IdentifierKind
from app.http.operations import Access
from app.http.signed_in import what_is_due
from app.pages import forms
from app.pages.page import Page
from app.pages.proving import RECOVERY, factor_method, send_factor_code
from app.pages.visiting import PageVisit

signing_in = Blueprint("signing_in", __name__)


@signing_in.get("/sign-in")
@Page(access=Access.PUBLIC)
def sign_in(visit: PageVisit) -> Response:
    """Ask who it is; somebody who is signed in goes on."""
    if visit.refusal is None and what_is_due(visit.resume()) is None:
        return visit.go_on()
    return visit.show("sign_in.html")


@signing_in.post("/sign-in")
@Page(access=Access.PUBLIC, form=forms.SignInForm, limit="login", shown_by=sign_in)
def open_session(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Open a session; the browser's former one ends."""
    grant = visit.engine.log_in(
        Identifier.of(IdentifierKind.EMAIL, form["email"]),
        form["password"],
        visit.policy,
        visit.client,
        replacing=visit.cookie_refresh_token(),
        trust_token=visit.trust_token(),
    )
    visit.adopt(grant, remembered=form["remember"])
    return visit.go_on()


@signing_in.get("/sign-up")
@Page(access=Access.PUBLIC)
def sign_up(visit: PageVisit) -> Response:
    """Ask for what an account needs."""
    return visit.show("sign_up.html")


@signing_in.post("/sign-up")
@Page(access=Access.PUBLIC, form=forms.SignUpForm, limit="signup", shown_by=sign_up)
def open_account(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Create an account and open its first session."""
    grant = visit.engine.sign_up(
        Registration(**form), visit.policy, visit.client, replacing=visit.cookie_refresh_token()
    )
    visit.adopt(grant, remembered=True)
    return visit.go_on()


@signing_in.get("/accept-invitation")
@Page(access=Access.PUBLIC)
def invitation(visit: PageVisit) -> Response:
    """Ask for a password; opening the link spends nothing, so scanners of mail do no harm."""
    return visit.show("invitation.html", token=(visit.typed or request.args).get("token", ""))


@signing_in.post("/accept-invitation")
@Page(access=Access.PUBLIC, form=forms.InvitationForm, limit="password", shown_by=invitation)
def accept_invitation(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Choose the first password, or give the one there is, and be signed in."""
    engine = visit.engine
    # Cookies that cannot be read refuse the request before the invitation is spent.
    replacing, trust_token = visit.cookie_refresh_token(), visit.trust_token()
    proof = engine.invitations.accept(form["token"], form["password"], visit.client, engine.login_rule)
    visit.adopt(
        engine.open_session(proof, visit.policy, visit.client, replacing=replacing, trust_token=trust_token)
    )
    return visit.go_on()


@signing_in.get("/second-factor")
@Page(access=Access.PARTIAL)
def second_factor(visit: PageVisit) -> Response:
    """Ask for a code of the chosen factor; somebody who has none yet but must is led to set one up."""
    session, person, _ = visit.signed_in
    if not session.mfa_pending:
        return visit.go_on()
    status = visit.engine.second_factors.status(person.id)
    if status.must_enrol:
        return visit.go_to("second_factors.enrol", next=visit.next)
    asked = (visit.typed or request.args).get("method", "")
    offered = [*status.methods, RECOVERY]
    return visit.show(
        "second_factor.html",
        method=asked if asked in offered else offered[0],
        offered=offered,
        trust_days=visit.engine.trusted_devices.lifetime.days,
    )


@signing_in.post("/second-factor")
@Page(access=Access.PARTIAL, form=forms.SecondFactorForm, limit="login", shown_by=second_factor)
def finish_session(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Prove the second factor; every earlier token of the session is invalid."""
    method = factor_method(form["method"])
    passed = visit.engine.second_factors.verify(
        visit.signed_in, method, form["code"], visit.policy, visit.client, trusts_device=form["trust"]
    )
    visit.adopt(passed.grant, trust_token=passed.trust_token)
    return visit.go_on()


@signing_in.post("/second-factor/code")
@Page(access=Access.PARTIAL, form=forms.MethodForm, limit="login", shown_by=second_factor)
def send_code(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Send a code by mail or SMS."""
    send_factor_code(visit, form)
    return visit.go_to("signing_in.second_factor", done="code-sent", method=form["method"], next=visit.next)


@signing_in.post("/sign-out")
@Page(access=Access.PUBLIC)
def sign_out(visit: PageVisit) -> Response:
    """End the session of every genuine token that came along."""
    visit.end_named_sessions()
    visit.sign_out()
    return visit.go_to("signing_in.sign_in", done="signed-out")
