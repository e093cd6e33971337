"""One's own account: the overview, the name, the address, the password, and what has happened."""

import re
from typing import Any

from flask import Blueprint, Response, request

from app.delivery import Channel
from app.http.operations import Access
from app.pages import forms, texts
from app.pages.page import Page
from app.pages.visiting import PageVisit

account = Blueprint("account", __name__)

_EVENTS_PER_PAGE = 30
_EVENT_ID = re.compile(r"[0-9]{1,15}")


@account.get("/")
@Page()
def overview(visit: PageVisit) -> Response:
    """Show what there is to know and to do."""
    person = visit.signed_in.person
    return visit.show(
        "overview.html",
        sessions=visit.engine.sessions.list_live(person.id),
        factors=visit.engine.second_factors.status(person.id),
    )


@account.post("/name")
@Page(form=forms.NameForm, shown_by=overview)
def change_name(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Change what the person is called."""
    visit.engine.accounts.change(visit.signed_in.person.id, {"name": form["name"]}, visit.client)
    return visit.go_to("account.overview", done="name-changed")


@account.get("/verify-email")
@Page()
def verify_email(visit: PageVisit) -> Response:
    """Ask for the code that was sent, or offer to send one."""
    return visit.show("verify_email.html")


@account.post("/verify-email/code")
@Page(limit="password", shown_by=verify_email)
def send_verification(visit: PageVisit) -> Response:
    """Send a code to the person's address."""
    visit.engine.verification.send(visit.signed_in, Channel.MAIL, visit.client)
    return visit.go_to("account.verify_email", done="code-sent")


@account.post("/verify-email")
@Page(form=forms.CodeForm, limit="login", shown_by=verify_email)
def confirm_email(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Take the code back."""
    visit.engine.verification.confirm(visit.signed_in, Channel.MAIL, form["code"], visit.client)
    return visit.go_to("account.overview", done="verified")


@account.get("/password")
@Page(access=Access.SIGNED_IN)
def password(visit: PageVisit) -> Response:
    """Ask for the current password and another one."""
    return visit.show("password.html")


@account.post("/password")
@Page(access=Access.SIGNED_IN, form=forms.PasswordForm, limit="password", shown_by=password)
def change_password(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Replace the password; every session of the person ends, this one too."""
    visit.engine.credentials.change_password(
        visit.signed_in.person.id,
        form["current_password"],
        form["new_password"],
        visit.client,
        visit.engine.login_rule,
    )
    visit.sign_out()
    return visit.go_to("signing_in.sign_in", done="password-changed", next=visit.next)


@account.get("/activity")
@Page()
def activity(visit: PageVisit) -> Response:
    """List the security events of the account, the newest first."""
    before = request.args.get("before", type=_event_id)
    found = visit.engine.events_of(visit.signed_in.person.id, limit=_EVENTS_PER_PAGE + 1, before_id=before)
    shown = found[:_EVENTS_PER_PAGE]
    older = shown[-1].id if len(found) > len(shown) else None
    return visit.show("activity.html", events=shown, older=older, title_of=texts.event)


def _event_id(asked: str) -> int:
    """Read the id of an event; what is none shows the newest."""
    if not _EVENT_ID.fullmatch(asked):
        raise ValueError("no id of an event")
    return int(asked)
