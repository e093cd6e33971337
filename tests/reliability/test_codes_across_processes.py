"""A code counts once and guesses are counted together, whichever worker of whichever host is asked."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.authenticator import former_code
from tests.reliability.databases import fresh_database
from tests.reliability.redis_server import running_redis
from tests.reliability.server import running_server
from tests.reliability.wire import Answer, call

PASSWORD = "correct horse battery"
HOSTS, WORKERS = 2, 2
TRIES = 40
ATTEMPTS = 40
GUESSES = 80
# As many as may wait for a second factor at a time, of the ten sessions that a person may have.
DEVICES = 8
STEP_SECONDS = 30
SETTINGS = {
    "KEYTURN_TRUSTED_PROXIES": "1",
    "KEYTURN_LOGIN_ATTEMPTS": str(ATTEMPTS),
    "KEYTURN_RATE_LIMIT_LOGIN": f"{ATTEMPTS} per hour",
}


@dataclass
class Deployment:
    """Several hosts on one database and one Redis; every request comes from an address of its own."""

    kind: str
    urls: list[str]
    mails: Path
    names: Iterator[int] = field(default_factory=itertools.count)
    turns: Iterator[int] = field(default_factory=itertools.count)

    def request(
        self, path: str, body: Mapping[str, Any], token: str | None = None, address: str | None = None
    ) -> Any:
        """Prepare a request to the next host in turn."""
        turn = next(self.turns)
        headers = {"X-Forwarded-For": address or f"198.18.{turn // 250}.{turn % 250 + 1}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return partial(call, f"{self.urls[turn % HOSTS]}/auth/{path}", "POST", body=body, headers=headers)

    def ask(self, path: str, body: Mapping[str, Any], token: str | None = None) -> dict[str, Any]:
        """Make one request, which must succeed."""
        (answer,) = at_once([self.request(path, body, token)])
        assert answer.status == 200, (path, answer.body)
        return dict(answer.body)

    def sign_up(self) -> tuple[str, str]:
        """Return the address and the access token of a new person."""
        email = f"user{next(self.names)}@example.test"
        return email, self.ask("signup", {"email": email, "password": PASSWORD})["accessToken"]

    def log_in(self, email: str) -> str:
        body = {"credentials": {"email": email, "password": PASSWORD}}
        return str(self.ask("login", body)["accessToken"])

    def mailed_code(self, email: str) -> str:
        """Return the newest six digits that were sent to an address."""
        mails = [json.loads(line) for line in self.mails.read_text("utf-8").splitlines()]
        lines = [line for mail in mails if mail["recipient"] == email for line in mail["text"].splitlines()]
        return [line for line in lines if line.isdigit()][-1]

    def enrol(self, token: str) -> pyotp.TOTP:
        """Enrol an app with the code of the former time step, so that the present one is not used yet."""
        app = pyotp.TOTP(self.ask("mfa/setup-totp", {}, token)["secret"])
        body = {"secret": app.secret, "otp": former_code(app.secret)}
        self.ask("mfa/verify-totp-setup", body, token)
        return app


def at_once(requests: list[Any]) -> list[Answer]:
    async def send() -> list[Answer]:
        return await asyncio.gather(*(request() for request in requests))

    return asyncio.run(send())


def outcomes(answers: list[Answer]) -> Counter[tuple[int, str]]:
    return Counter((answer.status, answer.body.get("code", "")) for answer in answers)


def assert_one_won(answers: list[Answer], refusal: tuple[int, str]) -> None:
    """Check that one got through; finishing a session ends the access token that its other tries carry."""
    found = outcomes(answers)
    assert found.pop((200, "")) == 1
    assert set(found) <= {refusal, (401, "INVALID_TOKEN")}
    assert found[401, "INVALID_TOKEN"] < len(answers) / DEVICES


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    mails = tmp_path_factory.mktemp("mails") / "mails"
    with ExitStack() as stack:
        database_url = stack.enter_context(fresh_database(request.param))
        store = stack.enter_context(running_redis())
        settings = {**SETTINGS, "KEYTURN_MAIL_URL": f"file:{mails}", "KEYTURN_REDIS_URL": store.url}
        servers = [stack.enter_context(running_server(database_url, settings, WORKERS)) for _ in range(HOSTS)]
        yield Deployment(request.param, [server.base_url for server in servers], mails)


def test_code_of_an_app_counts_once(deployment: Deployment, figure: Callable[[str], None]) -> None:
    email, token = deployment.sign_up()
    app = deployment.enrol(token)
    devices = [deployment.log_in(email) for _ in range(DEVICES)]
    body = {"method": "totp", "otp": app.now()}
    race = [deployment.request("mfa/verify", body, devices[turn % DEVICES]) for turn in range(TRIES - 2)]
    assert_one_won(at_once(race), (401, "MFA_CODE_INVALID"))
    later = [deployment.request("mfa/verify", body, device) for device in devices[:HOSTS]]
    assert all(answer.status == 401 for answer in at_once(later))
    figure(
        f"codes {deployment.kind}: {len(race)} uses of one at once, {HOSTS * WORKERS} processes: 1 counted"
    )


def test_recovery_code_counts_once(deployment: Deployment) -> None:
    email, token = deployment.sign_up()
    app = deployment.enrol(token)
    fresh = deployment.ask("mfa/verify", {"method": "totp", "otp": app.now()}, token)["accessToken"]
    code = deployment.ask("mfa/generate-recovery-code", {}, fresh)["code"]
    devices = [deployment.log_in(email) for _ in range(DEVICES)]
    race = [
        deployment.request("mfa/verify-recovery-code", {"code": code}, devices[turn % DEVICES])
        for turn in range(TRIES)
    ]
    assert_one_won(at_once(race), (401, "MFA_RECOVERY_CODE_INVALID"))


def test_mailed_code_counts_once(deployment: Deployment) -> None:
    email, token = deployment.sign_up()
    deployment.ask("send-email-verification", {}, token)
    code = deployment.mailed_code(email)
    deployment.ask("verify-email", {"code": code}, token)
    deployment.ask("mfa/toggle", {"enabled": True}, token)
    device = deployment.log_in(email)
    deployment.ask("mfa/challenge", {"method": "email"}, device)
    body = {"method": "email", "otp": deployment.mailed_code(email)}
    race = at_once([deployment.request("mfa/verify", body, device) for _ in range(TRIES)])
    # Finishing the session ends the access token that the others carry.
    assert set(outcomes(race)) <= {(200, ""), (400, "VERIFICATION_CODE_INVALID"), (401, "INVALID_TOKEN")}
    assert sum(answer.status == 200 for answer in race) == 1


def test_reset_code_and_its_token_count_once(deployment: Deployment) -> None:
    email, _ = deployment.sign_up()
    deployment.ask("forgot-password", {"email": email})
    body = {"email": email, "code": deployment.mailed_code(email)}
    race = at_once([deployment.request("verify-forgot-password-otp", body) for _ in range(TRIES)])
    assert outcomes(race) == {(200, ""): 1, (400, "VERIFICATION_CODE_INVALID"): TRIES - 1}
    (token,) = [answer.body["resetToken"] for answer in race if answer.status == 200]
    resets = [
        deployment.request("reset-password", {"token": token, "newPassword": f"quite another staple {turn}"})
        for turn in range(TRIES)
    ]
    assert outcomes(at_once(resets)) == {(200, ""): 1, (400, "PASSWORD_RESET_TOKEN_INVALID"): TRIES - 1}


def test_guesses_at_a_code_from_many_addresses_are_held_to_the_limit(deployment: Deployment) -> None:
    email, _ = deployment.sign_up()
    deployment.ask("forgot-password", {"email": email})
    code = deployment.mailed_code(email)
    wrong = [f"{(int(code) + 1 + turn) % 1_000_000:06d}" for turn in range(GUESSES)]
    path = "verify-forgot-password-otp"
    race = at_once([deployment.request(path, {"email": email, "code": guess}) for guess in wrong])
    locked = GUESSES - ATTEMPTS
    assert outcomes(race) == {(400, "VERIFICATION_CODE_INVALID"): ATTEMPTS, (429, "ACCOUNT_LOCKED"): locked}
    (late,) = at_once([deployment.request(path, {"email": email, "code": code})])
    assert (late.status, late.body["code"]) == (429, "ACCOUNT_LOCKED")


def test_guesses_at_an_app_from_many_addresses_and_logins_are_held_to_the_limit(
    deployment: Deployment, figure: Callable[[str], None]
) -> None:
    email, token = deployment.sign_up()
    app = deployment.enrol(token)
    devices = [deployment.log_in(email) for _ in range(DEVICES)]
    near = {app.at(int(time.time()) + turn * STEP_SECONDS) for turn in range(-3, 4)}
    wrong = [code for code in map("{:06d}".format, range(GUESSES + len(near))) if code not in near]
    race = at_once(
        [
            deployment.request("mfa/verify", {"method": "totp", "otp": guess}, devices[turn % DEVICES])
            for turn, guess in enumerate(wrong[:GUESSES])
        ]
    )
    locked = GUESSES - ATTEMPTS
    assert outcomes(race) == {(401, "MFA_CODE_INVALID"): ATTEMPTS, (429, "ACCOUNT_LOCKED"): locked}
    (late,) = at_once([deployment.request("mfa/verify", {"method": "totp", "otp": app.now()}, devices[0])])
    assert (late.status, late.body["code"]) == (429, "ACCOUNT_LOCKED")
    figure(f"codes {deployment.kind}: {GUESSES} guesses from {GUESSES} addresses, {ATTEMPTS} were looked at")


def test_one_address_is_counted_over_all_hosts_whatever_names_it_tries(deployment: Deployment) -> None:
    race = at_once(
        [
            deployment.request(
                "verify-forgot-password-otp",
                {"email": f"stranger{turn}@example.test", "code": "123456"},
                address="203.0.113.9",
            )
            for turn in range(GUESSES)
        ]
    )
    limited = GUESSES - ATTEMPTS
    assert outcomes(race) == {(400, "VERIFICATION_CODE_INVALID"): ATTEMPTS, (429, "RATE_LIMITED"): limited}
