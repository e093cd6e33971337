"""Clients that load the service over HTTP and write down what they were told.

A careful client keeps its old token until the new one is stored, asks again with the same token when no
answer came, and waits when it is told to. A thief presents a copy long after it was superseded.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from tests.reliability.history import History, Invocation, Operation, Outcome, Token, outcome_of
from tests.reliability.wire import Answer, NoAnswer, call

PASSWORD = "correct horse battery staple 7"


@dataclass(frozen=True)
class Pair:
    """The access and refresh token that came together."""

    access: str
    refresh: str

    @property
    def token(self) -> Token:
        return Token.from_jwt(self.refresh)


@dataclass(frozen=True)
class Service:
    """Where to send requests, how tokens travel, and where the history is written."""

    base_url: str
    history: History
    in_cookies: bool = False
    timeout_seconds: float = 20

    async def request(
        self,
        path: str,
        *,
        method: str = "POST",
        body: Mapping[str, Any] | None = None,
        access: str | None = None,
        refresh: str | None = None,
    ) -> Answer:
        """Send a request with its tokens in the place that the transport prescribes."""
        headers: dict[str, str] = {}
        content = dict(body) if body is not None else None
        if self.in_cookies:
            tokens = {"accessToken": access, "refreshToken": refresh}
            cookies = "; ".join(f"{name}={value}" for name, value in tokens.items() if value)
            headers = {"X-Access-Token-Type": "cookie"} | ({"Cookie": cookies} if cookies else {})
        else:
            headers = {"Authorization": f"Bearer {access}"} if access else {}
            content = (content or {}) | {"refreshToken": refresh} if refresh else content
        return await call(
            self.base_url + path, method, body=content, headers=headers, timeout_seconds=self.timeout_seconds
        )

    def pair_in(self, answer: Answer) -> Pair:
        source = answer.cookies if self.in_cookies else answer.body
        return Pair(source["accessToken"], source["refreshToken"])


@dataclass
class Client:
    """One holder of one session; `pair` is the newest that it has stored."""

    name: str
    service: Service
    pair: Pair
    patience_seconds: tuple[float, float] = (0.0, 0.05)

    def copy(self, name: str) -> "Client":
        """Give the newest pair to another tab, or to a thief."""
        token, now = self.pair.token, time.monotonic()
        self.service.history.record(
            Invocation(name, token.session, Operation.COPY, now, now, Outcome.OK, received=token)
        )
        return replace(self, name=name)

    async def refresh(self) -> Invocation:
        """Present the newest token once; the successor is stored only when it has arrived whole."""
        presented = self.pair
        began_at, answer = time.monotonic(), await self._ask("/auth/refresh-token", refresh=presented.refresh)
        received = None
        if answer and outcome_of(answer.status) is Outcome.OK:
            received = self.service.pair_in(answer)
            self.pair = max(self.pair, received, key=lambda pair: pair.token.generation)
        return self._record(
            Operation.REFRESH, began_at, answer, presented.token, received.token if received else None
        )

    async def refresh_until_answered(self, attempts: int = 50) -> Invocation:
        """Ask again with the same token until the answer is definitive."""
        for _ in range(attempts):
            invocation = await self.refresh()
            if invocation.outcome is not Outcome.UNKNOWN:
                break
            await asyncio.sleep(self._pause(invocation))
        return invocation

    async def use(self) -> Invocation:
        began_at, token = time.monotonic(), self.pair.token
        answer = await self._ask("/auth/me", method="GET", access=self.pair.access)
        return self._record(Operation.USE, began_at, answer, token)

    async def logout(self) -> Invocation:
        began_at = time.monotonic()
        answer = await self._ask("/auth/logout", access=self.pair.access)
        return self._record(Operation.LOGOUT, began_at, answer, self.pair.token)

    async def refresh_in_a_loop(self, rotations: int) -> Invocation:
        """Refresh and use in turns, up to `rotations` times or until refused; returns the last end."""
        for _ in range(rotations):
            invocation = await self.refresh_until_answered()
            if invocation.outcome is not Outcome.OK:
                break
            if (invocation := await self.use()).is_refused:
                break
        return invocation

    async def _ask(self, path: str, **arguments: Any) -> Answer | None:
        try:
            return await self.service.request(path, **arguments)
        except NoAnswer:
            return None

    def _record(
        self,
        operation: Operation,
        began_at: float,
        answer: Answer | None,
        presented: Token,
        received: Token | None = None,
    ) -> Invocation:
        invocation = Invocation(
            client=self.name,
            session=presented.session,
            operation=operation,
            began_at=began_at,
            ended_at=time.monotonic(),
            outcome=outcome_of(answer.status) if answer else Outcome.UNKNOWN,
            presented=presented,
            received=received,
            status=answer.status if answer else None,
        )
        self.service.history.record(invocation)
        return invocation

    def _pause(self, unanswered: Invocation) -> float:
        if unanswered.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return 1.0
        return random.uniform(*self.patience_seconds)


async def sign_up(service: Service, name: str) -> tuple[str, Client]:
    """Make a person with one session; returns the e-mail address and the session's client."""
    email = f"{name}-{uuid.uuid4().hex[:12]}@example.com"
    return email, await _enter(service, name, "/auth/signup", {"email": email, "password": PASSWORD})


async def log_in(service: Service, name: str, email: str, password: str = PASSWORD) -> Client:
    """Open another session of a person.

    Raises:
        Refused: the credentials were not accepted, or no answer came.
    """
    return await _enter(service, name, "/auth/login", {"credentials": {"email": email, "password": password}})


class Refused(Exception):
    """A login or sign-up that was not granted; the argument is the status, or None without an answer."""


async def _enter(service: Service, name: str, path: str, body: Mapping[str, Any]) -> Client:
    began_at = time.monotonic()
    try:
        answer = await service.request(path, body=body)
    except NoAnswer as error:
        raise Refused(None) from error
    if outcome_of(answer.status) is not Outcome.OK:
        raise Refused(answer.status)
    pair = service.pair_in(answer)
    service.history.record(
        Invocation(
            client=name,
            session=pair.token.session,
            operation=Operation.LOGIN,
            began_at=began_at,
            ended_at=time.monotonic(),
            outcome=Outcome.OK,
            received=pair.token,
            status=answer.status,
        )
    )
    return Client(name, service, pair)


async def sign_up_many(service: Service, count: int) -> list[Client]:
    """Make `count` people with one session each, few at a time because hashing passwords is slow."""
    gate = asyncio.Semaphore(4)

    async def one(number: int) -> Client:
        async with gate:
            return (await sign_up(service, f"client-{number}"))[1]

    return await asyncio.gather(*(one(number) for number in range(count)))
