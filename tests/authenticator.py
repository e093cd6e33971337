"""An authenticator app in a person's hand, set by the same clock as the service."""

import time
from datetime import timedelta

import pyotp

from app.primitives.clock import FrozenClock
from tests.clients import AuthClient

STEP = timedelta(seconds=30)


class Authenticator:
    """Shows the code of the present time step."""

    def __init__(self, secret: str, clock: FrozenClock) -> None:
        self.secret = secret
        self._clock = clock

    def code(self, *, steps: int = 0) -> str:
        """Return the code of this step, or of one that many steps away."""
        return pyotp.TOTP(self.secret).at(self._clock.now() + steps * STEP)

    def next_code(self) -> str:
        """Wait for the next step and return its code: a code is taken once only."""
        self._clock.advance(STEP)
        return self.code()

    def wrong_code(self) -> str:
        """Return six digits that are of no step anywhere near."""
        near = {self.code(steps=steps) for steps in range(-2, 3)}
        return next(code for code in map("{:06d}".format, range(9)) if code not in near)


def await_step(seconds: int) -> None:
    """Wait for the next step if the present one, by the machine's clock, ends sooner than this."""
    step = STEP.total_seconds()
    if (left := step - time.time() % step) < seconds:
        time.sleep(left + 0.1)


def former_code(secret: str) -> str:
    """Return the code of the step before, by the machine's clock, so that the present one is still good.

    A service that is asked soon takes it: near the end of a step, the next one is waited for.
    """
    await_step(5)
    return pyotp.TOTP(secret).at(int(time.time() - STEP.total_seconds()))


def enrol(client: AuthClient, clock: FrozenClock, name: str = "Phone") -> Authenticator:
    """Enrol an app for whoever is signed in; from now on logins ask for it."""
    answer = client.post("/auth/mfa/setup-totp", {"deviceName": name})
    assert answer.status_code == 200, answer.get_json()
    authenticator = Authenticator(answer.get_json()["secret"], clock)
    body = {"secret": authenticator.secret, "otp": authenticator.code()}
    confirmed = client.post("/auth/mfa/verify-totp-setup", body)
    assert confirmed.status_code == 200, confirmed.get_json()
    return authenticator
