"""Nothing is granted after an ending was answered, however many refreshes and logins race with it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from tests.reliability.driver import PASSWORD, Client, Refused, Service, log_in, sign_up
from tests.reliability.history import ENDINGS, History, Invocation, Operation, Outcome, outcome_of
from tests.reliability.promises import PATIENT_GRACE, ROUNDS, assert_promises_held
from tests.reliability.server import Server, ServerFor

SESSIONS, TABS = 3, 2
NEW_PASSWORD = "a quite different staple 8"
KEEPS_OTHERS_OUT = {Operation.SUSPEND, Operation.PASSWORD_CHANGE, Operation.PASSWORD_RESET}
ENDS_ONE = {Operation.LOGOUT, Operation.SESSION_DELETE}


@dataclass
class Race:
    """One person's sessions and tabs, and the ending that races with them."""

    service: Service
    server: Server
    operation: Operation
    email: str
    clients: list[Client]
    late: list[Client] = field(default_factory=list)
    reset_token: str = ""

    async def run(self) -> None:
        if self.operation is Operation.PASSWORD_RESET:
            self.reset_token = await self._ask_for_reset()
        tabs = [client.copy(f"{client.name}-{tab}") for client in self.clients for tab in range(TABS)]
        stopped = asyncio.Event()
        racing = [asyncio.create_task(self._refresh_until(stopped, tab)) for tab in tabs]
        racing += [asyncio.create_task(self._log_in_late(number)) for number in range(2)]
        await asyncio.sleep(random.uniform(0, 0.1))
        began_at, status = time.monotonic(), await self._end()
        ended_at = time.monotonic()
        await asyncio.sleep(0.02)
        stopped.set()
        await asyncio.gather(*racing)
        self._record(began_at, ended_at, status)
        await self._try_everything(tabs)

    async def _refresh_until(self, stopped: asyncio.Event, tab: Client) -> None:
        while not stopped.is_set() and (await tab.refresh()).outcome is not Outcome.REFUSED:
            await tab.use()

    async def _log_in_late(self, number: int) -> None:
        """Race with the old password, where the ending is to keep its holder out."""
        if self.operation not in KEEPS_OTHERS_OUT:
            return
        await asyncio.sleep(random.uniform(0, 0.1))
        try:
            self.late.append(await log_in(self.service, f"late-{number}", self.email))
        except Refused:
            return

    async def _end(self) -> int:
        ending: dict[Operation, Callable[[], Awaitable[int]]] = {
            Operation.LOGOUT: lambda: self._post("/auth/logout"),
            Operation.LOGOUT_ALL: lambda: self._post("/auth/logout-all"),
            Operation.PASSWORD_CHANGE: lambda: self._post(
                "/auth/change-password", currentPassword=PASSWORD, newPassword=NEW_PASSWORD
            ),
            Operation.PASSWORD_RESET: lambda: self._post(
                "/auth/reset-password", token=self.reset_token, newPassword=NEW_PASSWORD
            ),
            Operation.SESSION_DELETE: self._delete_first,
            Operation.SUSPEND: self._suspend,
        }
        return await ending[self.operation]()

    async def _post(self, path: str, **body: str) -> int:
        answer = await self.service.request(path, body=body or None, access=self.clients[0].pair.access)
        return answer.status

    async def _ask_for_reset(self) -> str:
        await self._post("/auth/forgot-password", email=self.email)
        code = await asyncio.to_thread(self.server.mailbox.last_code, self.email)
        body = {"email": self.email, "code": code}
        answer = await self.service.request("/auth/verify-forgot-password-otp", body=body)
        return str(answer.body["resetToken"])

    async def _delete_first(self) -> int:
        """Another device of the person ends the session of the first one."""
        path = f"/auth/sessions/{self.clients[0].pair.token.session}"
        answer = await self.service.request(path, method="DELETE", access=self.clients[1].pair.access)
        return answer.status

    async def _suspend(self) -> int:
        await asyncio.to_thread(self.server.flask, "users", "suspend", self.email)
        return 200

    def _record(self, began_at: float, ended_at: float, status: int) -> None:
        """Write one line for each session that the ending concerns."""
        assert outcome_of(status) is Outcome.OK, status
        ended = self.clients[:1] if self.operation in ENDS_ONE else [*self.clients, *self.late]
        for client in ended:
            session = client.pair.token.session
            self.service.history.record(
                Invocation("ender", session, self.operation, began_at, ended_at, Outcome.OK, status=status)
            )

    async def _try_everything(self, tabs: list[Client]) -> None:
        """Present all that anybody holds once more; the checker judges the answers."""
        for client in [*tabs, *self.clients, *self.late]:
            await client.use()
            await client.refresh()
        if self.operation in KEEPS_OTHERS_OUT:
            with pytest.raises(Refused, match=r"401|403"):
                await log_in(self.service, "after", self.email)


async def run_races(service: Service, server: Server, operation: Operation, rounds: int) -> None:
    for number in range(rounds):
        email, first = await sign_up(service, f"owner-{number}")
        others = [await log_in(service, f"{first.name}-{device}", email) for device in range(1, SESSIONS)]
        await Race(service, server, operation, email, [first, *others]).run()


@pytest.mark.parametrize("operation", sorted(ENDINGS))
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_nothing_is_granted_after_ending(
    kind: str, operation: Operation, server_for: ServerFor, figure: Callable[[str], None]
) -> None:
    server, history = server_for(kind, PATIENT_GRACE), History()
    # A suspension is a command of its own and takes seconds to start.
    rounds = max(2, ROUNDS // 5) if operation is Operation.SUSPEND else ROUNDS
    asyncio.run(run_races(Service(server.base_url, history), server, operation, rounds))
    held = assert_promises_held(history, server.database_url, PATIENT_GRACE)
    figure(f"F22 {kind}, {operation}: {rounds} races, 0 grants after the answer, {held}")
