"""Just enough HTTP/1.1 for a load driver: one connection per request, whole answers or an error."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit


class NoAnswer(Exception):
    """The connection was refused or dropped, or the time was up; the request may have been carried out."""


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, the cookies that were set, and the JSON body."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: Mapping[str, Any]


async def call(
    url: str,
    method: str,
    *,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_seconds: float = 20,
) -> Answer:
    """Send one request.

    Raises:
        NoAnswer: nothing, or less than a whole answer, came back in time.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            return _parse(await _exchange(url, _request(url, method, body, headers or {})))
    except (OSError, TimeoutError, ValueError) as error:
        raise NoAnswer(str(error)) from error


def _request(url: str, method: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    content = b"" if body is None else json.dumps(body).encode()
    fields = {"Host": parts.netloc, "Connection": "close", "Content-Length": str(len(content)), **headers}
    if body is not None:
        fields["Content-Type"] = "application/json"
    lines = [f"{method} {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def _exchange(url: str, request: bytes) -> bytes:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        return await reader.read()
    finally:
        writer.close()


def _parse(raw: bytes) -> Answer:
    head, separator, content = raw.partition(b"\r\n\r\n")
    if not separator:
        message = "the answer has no end of headers"
        raise ValueError(message)
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    cookies: SimpleCookie = SimpleCookie()
    for name, _, value in (line.partition(":") for line in lines):
        if name.lower() == "set-cookie":
            cookies.load(value.strip())
        headers[name.lower()] = value.strip()
    if len(content) != int(headers.get("content-length", len(content))):
        message = "the answer was cut"
        raise ValueError(message)
    body = json.loads(content) if content and "json" in headers.get("content-type", "") else {}
    return Answer(
        int(status_line.split()[1]), headers, {name: morsel.value for name, morsel in cookies.items()}, body
    )
