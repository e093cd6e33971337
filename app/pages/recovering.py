"""Forgotten passwords: a code is sent, and whoever brings it back chooses another password."""

from typing import Any

from flask import Blueprint, Response

from app.engine.errors import InvalidCode
from app.engine.identifiers import Identifier, IdentifierKind
from app.http.operations import Access
from app.pages import forms
from app.pages.page import Page
from app.pages.visiting import PageVisit

recovering = Blueprint("recovering", __name__)


@recovering.get("/forgotten-password")
@Page(access=Access.PUBLIC)
def forgotten_password(visit: PageVisit) -> Response:
    """Ask for the address."""
    return visit.show("forgotten_password.html")


@recovering.post("/forgotten-password")
@Page(access=Access.PUBLIC, form=forms.EmailForm, limit="password", shown_by=forgotten_password)
def send_reset_code(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Send a code, if the address is somebody's, and ask for it; nothing tells which."""
    visit.engine.password_resets.send_code(_identifier(form), visit.client)
    return visit.show("reset_password.html", sent_to=form["email"], token=None)


@recovering.get("/reset-password")
@Page(access=Access.PUBLIC)
def reset_password(visit: PageVisit) -> Response:
    """Ask for the code and another password; what the code was exchanged for is kept while it is good."""
    token = (visit.typed or {}).get("token")
    is_spent = isinstance(visit.refusal, InvalidCode)
    return visit.show("reset_password.html", sent_to=None, token=None if is_spent else token)


@recovering.post("/reset-password")
@Page(access=Access.PUBLIC, form=forms.ResetForm, limit="login", shown_by=reset_password)
def choose_password(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Store the new password; every session of the person ends.

    The code is spent on a token first, so a password that is refused does not need another code. Whoever is
    signed in here with another account stays so.
    """
    engine, token = visit.engine, form["token"]
    if token is None:
        if form["code"] is None:
            raise InvalidCode("none was given")
        token = engine.password_resets.exchange_code(_identifier(form), form["code"], visit.client)
        visit.keep(token=token)
    proof = engine.password_resets.reset(token, form["new_password"], visit.client)
    found = visit.resume()
    if found is not None and found.person.id != proof.user_id:
        return visit.go_to("account.overview", done="other-password-changed")
    if found is not None:
        visit.sign_out()
    return visit.go_to("signing_in.sign_in", done="password-changed")


def _identifier(form: dict[str, Any]) -> Identifier:
    return Identifier.of(IdentifierKind.EMAIL, form["email"])
