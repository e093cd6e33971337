"""How every way into entryguard ends: with tokens, or with what has to be done first."""

from collections.abc import Callable
from dataclasses import replace

from flask import Response

from app.contracts.entryguard import presenter
from app.engine.grant import Grant
from app.engine.proof import PasswordDue, Proof, SecondFactorDue
from app.http.call import Call


def enter(call: Call, open_session: Callable[[], Grant]) -> Response:
    """Answer a login with its ten fields."""
    try:
        grant = open_session()
    except SecondFactorDue as due:
        return _ask_for_second_factor(call, due.proof)
    except PasswordDue as due:
        token = call.engine.credentials.issue_change_token(due.proof)
        return call.answer(presenter.password_due_body(token))
    return call.grant_answer(grant, presenter.login_body(grant), presenter.TOKENS, remembered=True)


def _ask_for_second_factor(call: Call, proof: Proof) -> Response:
    """Answer with a challenge; who has nothing to prove yet gets a session that can only enrol something."""
    engine = call.engine
    if not engine.second_factors.status(proof.user_id).must_enrol:
        return call.answer(presenter.challenge_body(engine.login_challenges.issue(proof, call.client)))
    grant = engine.open_session(proof, replace(call.policy, opens_pending=True), call.client)
    body = {**presenter.login_body(grant), "mfaSetupRequired": True}
    return call.grant_answer(grant, body, presenter.TOKENS, remembered=True)
