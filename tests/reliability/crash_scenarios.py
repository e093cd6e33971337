"""Run as a program: carries out each operation again and again, dying at one database call after the other.

Prints one line of JSON for each operation: its history, the number of points, and what broke.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pyotp
from sqlalchemy import NullPool, create_engine, text

from tests.browser.mailbox import Mailbox
from tests.reliability.crashing import Answered, Service
from tests.reliability.driver import Pair
from tests.reliability.history import History, Invocation, Operation, Outcome, outcome_of

PASSWORDS = ("correct horse battery staple 7", "a quite different staple 8")
_MAIL_SECONDS = 30


class Scenario:
    """One person with one session, going on after every crash."""

    def __init__(self, service: Service, email: str) -> None:
        self.service = service
        self.email = email
        self.history = History()
        self.broken: list[str] = []
        self.password, self.other_password = PASSWORDS
        self.mailbox = Mailbox(Path(os.environ["KEYTURN_MAIL_URL"].removeprefix("file:")))
        self.app: pyotp.TOTP | None = None
        self.pair = self.enter("/auth/signup", {"email": email, "password": self.password})

    def credentials(self, password: str) -> Mapping[str, object]:
        return {"credentials": {"email": self.email, "password": password}}

    def record(self, operation: Operation, pair: Pair, began_at: float, answer: Answered | None) -> None:
        """Write down one end; a login or refresh that was granted comes with the new pair in the answer."""
        is_grant = (
            operation in {Operation.LOGIN, Operation.REFRESH}
            and answer is not None
            and answer.status == HTTPStatus.OK
        )
        self.history.record(
            Invocation(
                client="owner",
                session=pair.token.session,
                operation=operation,
                began_at=began_at,
                ended_at=time.monotonic(),
                outcome=outcome_of(answer.status) if answer else Outcome.UNKNOWN,
                presented=None if operation is Operation.LOGIN else pair.token,
                received=answer.pair.token if answer and is_grant else None,
                status=answer.status if answer else None,
            )
        )

    def enter(self, path: str, body: Mapping[str, object], crash_at: int = 0) -> Pair:
        """Sign up or log in; a crash leaves the pair as it was."""
        began_at = time.monotonic()
        answer = self.service.ask(path, body, crash_at=crash_at)
        if answer is None:
            return self.pair
        if answer.status != HTTPStatus.OK:
            self.broken.append(f"{path} answered {answer.status}")
            return self.pair
        self.record(Operation.LOGIN, answer.pair, began_at, answer)
        return answer.pair

    def log_in(self, crash_at: int = 0) -> Pair:
        return self.enter("/auth/login", self.credentials(self.password), crash_at)

    def refresh(self, crash_at: int = 0) -> Answered | None:
        began_at, presented = time.monotonic(), self.pair
        answer = self.service.ask(
            "/auth/refresh-token", {"refreshToken": presented.refresh}, crash_at=crash_at
        )
        self.record(Operation.REFRESH, presented, began_at, answer)
        if answer and answer.status == HTTPStatus.OK:
            self.pair = answer.pair
        return answer

    def use(self) -> Answered | None:
        began_at = time.monotonic()
        answer = self.service.ask("/auth/me", access=self.pair.access)
        self.record(Operation.USE, self.pair, began_at, answer)
        return answer

    def logout(self, crash_at: int = 0) -> Answered | None:
        began_at = time.monotonic()
        answer = self.service.ask("/auth/logout", crash_at=crash_at, access=self.pair.access)
        self.record(Operation.LOGOUT, self.pair, began_at, answer)
        return answer

    def reset_password(self, token: str, crash_at: int = 0) -> Answered | None:
        """Spend a token; `password` is then the other one, or a crash may have left it as it was."""
        began_at = time.monotonic()
        body = {"token": token, "newPassword": self.other_password}
        answer = self.service.ask("/auth/reset-password", body, crash_at=crash_at)
        self.record(Operation.PASSWORD_RESET, self.pair, began_at, answer)
        return answer

    def ask_for_reset(self) -> str:
        """Return a token as people get one: by the code in a mail."""
        before = len(self.mailed_codes())
        self.succeed("/auth/forgot-password", {"email": self.email})
        deadline = time.monotonic() + _MAIL_SECONDS
        while len(codes := self.mailed_codes()) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        body = {"email": self.email, "code": codes[-1]}
        return str(self.succeed("/auth/verify-forgot-password-otp", body)["body"]["resetToken"])

    def mailed_codes(self) -> list[str]:
        lines = [line for mail in self.mailbox.messages(self.email) for line in mail["text"].splitlines()]
        return [line for line in lines if line.isdigit()]

    def enrol(self) -> pyotp.TOTP:
        """Give the person an authenticator app, and the session a proof of it."""
        setup = self.succeed("/auth/mfa/setup-totp", {}, self.pair.access)
        self.app = pyotp.TOTP(setup["body"]["secret"])
        confirmation = {"secret": self.app.secret, "otp": self.app.now()}
        self.succeed("/auth/mfa/verify-totp-setup", confirmation, self.pair.access)
        proof = {"method": "totp", "otp": self.fresh_otp()}
        self.pair = self.succeed("/auth/mfa/verify", proof, self.pair.access).pair
        return self.app

    def fresh_otp(self) -> str:
        """Return a code of the present time step, made good again: waiting for the next takes too long."""
        app = self.app or self.enrol()
        engine = create_engine(os.environ["KEYTURN_DATABASE_URL"], poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("UPDATE totp_devices SET last_step = 0"))
        return app.now()

    def succeed(self, path: str, body: Mapping[str, object], access: str = "") -> Answered:
        """Ask for what is not tried here but has to work."""
        answer = self.service.ask(path, body, access=access)
        assert answer is not None, path
        assert answer.status == HTTPStatus.OK, (path, answer)
        return answer

    def expect(self, status: int, answer: Answered | None, what: str) -> None:
        if answer is None or answer.status != status:
            self.broken.append(f"{what} answered {answer and answer.status}, not {status}")


def crash_login(scenario: Scenario, crash_at: int) -> bool:
    """A login that died is tried again; the session of before is untouched."""
    before = scenario.pair
    answered = scenario.log_in(crash_at)
    scenario.service.kill()
    scenario.pair = scenario.log_in() if answered is before else answered
    scenario.expect(200, scenario.use(), "use after login")
    scenario.expect(200, scenario.logout(), "logout after login")
    scenario.pair = before
    # A refresh also makes it the most recent one, so that the limit of sessions for one person spares it.
    scenario.expect(200, scenario.refresh(), "refresh of the session of before")
    return answered is not before


def crash_refresh(scenario: Scenario, crash_at: int) -> bool:
    """A refresh that died is tried again with the same token."""
    answer = scenario.refresh(crash_at)
    scenario.service.kill()
    if answer is None:
        scenario.expect(200, scenario.refresh(), "refresh after the crash")
    scenario.expect(200, scenario.use(), "use after refresh")
    return answer is not None


def crash_logout(scenario: Scenario, crash_at: int) -> bool:
    """A logout that died is tried again; what was answered holds."""
    answer = scenario.logout(crash_at)
    scenario.service.kill()
    if answer is None:
        scenario.expect(200, scenario.logout(), "logout after the crash")
    scenario.expect(401, scenario.refresh(), "refresh after logout")
    scenario.pair = scenario.log_in()
    return answer is not None


def crash_password_change(scenario: Scenario, crash_at: int) -> bool:
    """Either the password has changed and the sessions are over, or neither is so."""
    began_at = time.monotonic()
    answer = scenario.service.ask(
        "/auth/change-password",
        {"currentPassword": scenario.password, "newPassword": scenario.other_password},
        crash_at=crash_at,
        access=scenario.pair.access,
    )
    scenario.service.kill()
    scenario.record(Operation.PASSWORD_CHANGE, scenario.pair, began_at, answer)
    login = scenario.service.ask("/auth/login", scenario.credentials(scenario.other_password))
    has_changed = login is not None and login.status == HTTPStatus.OK
    scenario.expect(401 if has_changed else 200, scenario.refresh(), "refresh after password change")
    if answer is not None and not has_changed:
        scenario.broken.append("an acknowledged password change is not in force")
    if has_changed:
        scenario.password, scenario.other_password = scenario.other_password, scenario.password
        scenario.pair = scenario.log_in()
    return answer is not None


def crash_password_reset(scenario: Scenario, crash_at: int) -> bool:
    """Either the token is spent, the password another and the sessions over, or none of it is so."""
    token = scenario.ask_for_reset()
    answer = scenario.reset_password(token, crash_at)
    scenario.service.kill()
    login = scenario.service.ask("/auth/login", scenario.credentials(scenario.other_password))
    has_changed = login is not None and login.status == HTTPStatus.OK
    scenario.expect(401 if has_changed else 200, scenario.refresh(), "refresh after password reset")
    if answer is not None and not has_changed:
        scenario.broken.append("an acknowledged password reset is not in force")
    again = scenario.reset_password(token)
    scenario.expect(400 if has_changed else 200, again, "the same reset token again")
    scenario.password, scenario.other_password = scenario.other_password, scenario.password
    scenario.pair = scenario.log_in()
    return answer is not None


def totp_proof(scenario: Scenario) -> tuple[str, Mapping[str, object]]:
    """Return where a code of the app is spent, and how."""
    return "/auth/mfa/verify", {"method": "totp", "otp": scenario.fresh_otp()}


def recovery_proof(scenario: Scenario) -> tuple[str, Mapping[str, object]]:
    """Return where a recovery code is spent, and how."""
    if scenario.app is None:
        scenario.enrol()
    made = scenario.succeed("/auth/mfa/generate-recovery-code", {}, scenario.pair.access)
    return "/auth/mfa/verify-recovery-code", {"code": made["body"]["code"]}


def crash_proof(
    make: Callable[[Scenario], tuple[str, Mapping[str, object]]], scenario: Scenario, crash_at: int
) -> bool:
    """Either the code is spent and one login has its rights, or neither is so; then another may use it."""
    path, code = make(scenario)
    login = scenario.credentials(scenario.password)
    first, second = (scenario.succeed("/auth/login", login).pair for _ in range(2))
    answer = scenario.service.ask(path, code, crash_at=crash_at, access=first.access)
    scenario.service.kill()
    if answer is not None:
        scenario.expect(200, answer, "proof")
        scenario.expect(200, scenario.service.ask("/auth/me", access=answer.pair.access), "use after proof")
    # A change of rights makes the tokens from before invalid, so they tell whether it has happened.
    kept = scenario.service.ask("/auth/refresh-token", {"refreshToken": first.refresh})
    is_raised = kept is not None and kept.status == HTTPStatus.UNAUTHORIZED
    if answer is not None and not is_raised:
        scenario.broken.append("tokens from before an acknowledged proof are still good")
    again = scenario.service.ask(path, code, access=second.access)
    scenario.expect(401 if is_raised else 200, again, "the same code again")
    # This also makes it the most recent one, so that the limit of sessions for one person spares it.
    scenario.expect(200, scenario.refresh(), "refresh of the session of before")
    return answer is not None


CRASHES: Mapping[str, Callable[[Scenario, int], bool]] = {
    "login": crash_login,
    "refresh": crash_refresh,
    "logout": crash_logout,
    "password_change": crash_password_change,
    "password_reset": crash_password_reset,
    "second_factor": partial(crash_proof, totp_proof),
    "recovery_code": partial(crash_proof, recovery_proof),
}


def main(first: int, stride: int) -> None:
    """Die at every point, or each `stride`-th from `first` on, until the operation is answered."""
    service = Service()
    for operation, crash in CRASHES.items():
        scenario = Scenario(service, f"{operation}@example.com")
        points = 0
        while not crash(scenario, first + points * stride):
            points += 1
        history = [invocation.to_json() for invocation in scenario.history]
        found = {"operation": operation, "points": points, "broken": scenario.broken, "history": history}
        sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
