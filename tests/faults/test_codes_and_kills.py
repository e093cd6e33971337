"""A code is spent once although the workers that are asked to spend it are killed meanwhile."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.clusters import PostgresCluster
from tests.reliability.promises import ROUNDS
from tests.reliability.server import Server, running_server
from tests.reliability.test_codes_across_processes import DEVICES, HOSTS, Deployment, at_once
from tests.reliability.wire import Answer, NoAnswer

WORKERS, TRIES, KILLS, SEED = 4, 24, 2, 23
STORM_SECONDS = 0.06
RESTART_SECONDS = 2
EVENTS = "SELECT kind, count(*) FROM security_events GROUP BY kind"
SETTINGS = {"KEYTURN_TRUSTED_PROXIES": "1", "KEYTURN_LOGIN_ATTEMPTS": "100"}


def recovery_codes(deployment: Deployment) -> list[Any]:
    """Prepare uses of one recovery code by several logins of its person."""
    email, token = deployment.sign_up()
    proof = {"method": "totp", "otp": deployment.enrol(token).now()}
    proven = deployment.ask("mfa/verify", proof, token)["accessToken"]
    code = deployment.ask("mfa/generate-recovery-code", {}, proven)["code"]
    devices = [deployment.log_in(email) for _ in range(DEVICES)]
    return [
        deployment.request("mfa/verify-recovery-code", {"code": code}, devices[turn % DEVICES])
        for turn in range(TRIES)
    ]


def reset_tokens(deployment: Deployment) -> list[Any]:
    """Prepare uses of one reset token."""
    email, _ = deployment.sign_up()
    deployment.ask("forgot-password", {"email": email})
    body = {"email": email, "code": deployment.mailed_code(email)}
    token = deployment.ask("verify-forgot-password-otp", body)["resetToken"]
    return [
        deployment.request("reset-password", {"token": token, "newPassword": f"quite another staple {turn}"})
        for turn in range(TRIES)
    ]


async def storm(server: Server, requests: list[Any], dice: random.Random) -> list[Answer | None]:
    """Make all requests at once and kill workers in the midst of them."""

    async def answer(request: Any) -> Answer | None:
        try:
            return await request()  # type: ignore[no-any-return]
        except NoAnswer:
            return None

    async def kill() -> None:
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0, STORM_SECONDS))
            server.kill_a_worker(dice)

    _, *answers = await asyncio.gather(kill(), *map(answer, requests))
    return answers


@pytest.mark.parametrize(
    ("prepare", "event"),
    [(recovery_codes, "account:recovery_code:used"), (reset_tokens, "account:password:changed")],
    ids=["recovery code", "reset token"],
)
def test_killed_workers_spend_nothing_twice(
    prepare: Callable[[Deployment], list[Any]],
    event: str,
    postgresql: PostgresCluster,
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    """Whoever got no answer asks again: then the code is spent, and was so once, with one event."""
    dice, granted, lost = random.Random(SEED), 0, 0
    settings = {**SETTINGS, "KEYTURN_MAIL_URL": f"file:{tmp_path / 'mails'}"}
    with running_server(postgresql.url(), settings, WORKERS) as server:
        deployment = Deployment("postgresql", [server.base_url] * HOSTS, tmp_path / "mails")
        for _ in range(ROUNDS):
            requests = prepare(deployment)
            stormed = asyncio.run(storm(server, requests, dice))
            lost += stormed.count(None)
            # The killed ones are replaced meanwhile.
            asyncio.run(asyncio.sleep(RESTART_SECONDS))
            answers = [answer for answer in stormed if answer] + at_once(requests[:DEVICES])
            assert {answer.status for answer in answers} <= {200, 400, 401, 503}
            oks = sum(answer.status == 200 for answer in answers)
            assert oks <= 1
            granted += oks
    assert dict(postgresql.query(EVENTS))[event] == ROUNDS
    figure(
        f"F23 {event}: {ROUNDS} races of {TRIES}, {KILLS} of {WORKERS} workers killed in each, seed {SEED}: "
        f"{lost} answers lost, {granted} told that it was theirs, 0 spent twice"
    )
