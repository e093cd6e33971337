"""What every refusal is, and the refusals that are about nothing in particular."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar


class AuthError(Exception):
    """A refusal with a public code."""

    code: ClassVar[str]
    message: ClassVar[str]

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.message)
        self.detail = detail


class InvalidRequest(AuthError):
    """The request is not of the documented form."""

    code = "invalid_request"
    message = "The request is not valid."

    def __init__(self, problems: Mapping[str, str] | str) -> None:
        self.problems = {"": problems} if isinstance(problems, str) else dict(problems)
        super().__init__(next(iter(self.problems.values()), self.message))


class TryLater(AuthError):
    """A refusal that passes with time."""

    def __init__(self, retry_after: timedelta, detail: str = "") -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class RateLimited(TryLater):
    """Too many requests from this address."""

    code = "rate_limited"
    message = "Too many requests; try again later."


class Unavailable(TryLater):
    """A store did not answer in time. Says nothing about the session; the client keeps its tokens."""

    code = "temporarily_unavailable"
    message = "The service is temporarily unavailable; try again."

    def __init__(self, detail: str, retry_after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(retry_after, detail)
