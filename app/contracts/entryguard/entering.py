"""How every way into entryguard ends: with tokens, or with what has to be done first."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Response

from app.contracts.entryguard import presenter
from app.engine.grant import Grant
from app.engine.proof import PasswordDue, Proof, SecondFactorDue
from app.http.call import Call


def enter(
    call: Call,
    open_session: Callable[[], Grant],
    body: Callable[[Grant], dict[str, Any]] = presenter.login_body,
    *,
    status: int = 200,
) -> Response:
    """Answer a login with its ten fields, or where nothing else is due with another documented body.

    The second factor is asked for first and another password after it; who has nothing to prove yet gets a
    session that can only enrol something.
    """
    try:
        grant = open_session()
    except SecondFactorDue as due:
        proof = due.proof
        if call.engine.second_factors.status(proof.user_id).must_enrol:
            return enter(call, lambda: _open_to_enrol(call, proof), body, status=status)
        challenge = call.engine.login_challenges.issue(proof, call.client)
        return call.answer(presenter.challenge_body(challenge), status)
    except PasswordDue as due:
        token = call.engine.credentials.issue_change_token(due.proof)
        return call.answer(presenter.password_due_body(token), status)
    answer = presenter.enrolling_body(grant) if grant.session.mfa_pending else body(grant)
    return call.grant_answer(grant, answer, presenter.TOKENS, remembered=True, status=status)


def _open_to_enrol(call: Call, proof: Proof) -> Grant:
    policy, replacing = replace(call.policy, opens_pending=True), call.cookie_refresh_token()
    return call.engine.open_session(proof, policy, call.client, replacing=replacing)
