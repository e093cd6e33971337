"""Devices with the published JavaScript client, driven from here through one Node process."""

import base64
import itertools
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

Json = dict[str, Any]


class ClientError(Exception):
    """What the client threw: its `code`, `statusCode` and `kind` are in `answer`."""

    def __init__(self, answer: Json) -> None:
        super().__init__(json.dumps(answer))
        self.answer = answer


class Bridge:
    """Sends requests to the Node process, together where they are to run together."""

    def __init__(self, node: "subprocess.Popen[str]") -> None:
        self._node = node
        self._names = itertools.count()

    def device(self, base_url: str, mode: str) -> "Device":
        """Make a device with empty storage; `mode` is the client's `accessTokenType`."""
        device = Device(self, next(self._names))
        device.ask("make", base_url, mode)
        return device

    def ask_all(self, requests: Sequence[Json]) -> list[Any]:
        """Return the values in order, with a ClientError in place of each that failed."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        lines = [json.dumps({"id": number} | request) for number, request in enumerate(requests)]
        self._node.stdin.write("\n".join(lines) + "\n")
        self._node.stdin.flush()
        answers = [json.loads(self._node.stdout.readline() or "{}") for _ in requests]
        answers.sort(key=lambda answer: answer["id"])
        return [ClientError(found["error"]) if "error" in found else found["value"] for found in answers]


class Device:
    """One browser or app of one person. Every tab has a client of its own; all share storage and cookies."""

    def __init__(self, bridge: Bridge, name: int) -> None:
        self._bridge = bridge
        self._name = name

    def ask(self, verb: str, *arguments: object) -> Any:
        [answer] = self._bridge.ask_all([self._request(verb, arguments)])
        if isinstance(answer, ClientError):
            raise answer
        return answer

    def call(self, method: str, *arguments: object) -> Any:
        """Call a method of the first tab's AuthClient; raises ClientError with what it threw."""
        return self.ask("call", 0, method, *arguments)

    def call_in_tabs(self, count: int, method: str) -> list[Any]:
        """Call a method of the clients of that many tabs at once."""
        return self._bridge.ask_all([self._request("call", (tab, method)) for tab in range(count)])

    def fetch_at_once(self, count: int, path: str) -> list[Any]:
        """Fetch that many times at once, all through the client of the first tab."""
        return self._bridge.ask_all([self._request("fetch", (path,))] * count)

    def look(self) -> Json:
        found: Json = self.ask("look")
        return found

    def tokens(self) -> dict[str, str]:
        """Return what the device holds under `accessToken` and `refreshToken`, wherever it keeps them."""
        seen = self.look()
        stored = {
            "accessToken": seen["stored"].get("access_token"),
            "refreshToken": seen["stored"].get("refresh_token"),
            **{cookie["key"]: cookie["value"] for cookie in seen["cookies"]},
        }
        return {name: token for name, token in stored.items() if token}

    def claims(self) -> Json:
        """Decode the refresh token, without verifying it."""
        payload = self.tokens()["refreshToken"].split(".")[1]
        claims: Json = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return claims

    def refreshes(self) -> list[int]:
        """Return the statuses of all answers to a refresh."""
        return [status for _, path, status in self.look()["traffic"] if path == "/auth/refresh-token"]

    def _request(self, verb: str, arguments: Sequence[object]) -> Json:
        return {"device": self._name, "verb": verb, "args": arguments}


@contextmanager
def running_bridge() -> Iterator[Bridge]:
    """Run the Node process until the block ends."""
    command = ["node", str(HERE / "bridge.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        yield Bridge(node)
