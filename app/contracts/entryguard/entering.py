"""How every way into entryguard ends: with tokens, or with what has to be done first."""

from collections.abc import Callable

from flask import Response

from app.contracts.entryguard import presenter
from app.engine.grant import Grant
from app.engine.proof import PasswordDue
from app.http.call import Call


def enter(call: Call, open_session: Callable[[], Grant]) -> Response:
    """Answer a login with its ten fields."""
    try:
        grant = open_session()
    except PasswordDue as due:
        token = call.engine.credentials.issue_change_token(due.proof)
        return call.answer(presenter.password_due_body(token))
    return call.grant_answer(grant, presenter.login_body(grant), presenter.TOKENS, remembered=True)
