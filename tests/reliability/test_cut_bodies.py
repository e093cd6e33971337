"""Bodies that reach the application in part, for their length or a lost connection, change nothing."""

import socket
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection

import pytest

from tests.reliability.promises import PATIENT_GRACE
from tests.reliability.server import Server, ServerFor

LONGEST = 65_536
JSON = b'{"email": "json@example.test", "password": "correct-horse-battery"}'
FORM = b"email=form@example.test&password=correct-horse-battery&pad="


def send_in_chunks(server: Server, path: str, media_type: str, body: bytes) -> int:
    chunks = (body[start : start + 8192] for start in range(0, len(body), 8192))
    headers = {"Content-Type": media_type, "Transfer-Encoding": "chunked"}
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("POST", path, chunks, headers, encode_chunked=True)
        return connection.getresponse().status


def send_and_break_off(server: Server, path: str, media_type: str, body: bytes) -> int:
    """Declare a byte more than is sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: keyturn\r\nContent-Type: {media_type}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(f"{head}Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return int(connection.makefile("rb").readline().split()[1])


@pytest.mark.parametrize(
    ("path", "media_type", "body", "filler"),
    [
        ("/auth/signup", "application/json", JSON, b" "),
        ("/account/sign-up", "application/x-www-form-urlencoded", FORM, b"x"),
    ],
)
def test_body_that_is_cut_makes_no_account_and_the_longest_one_does(
    server_for: ServerFor, path: str, media_type: str, body: bytes, filler: bytes
) -> None:
    server = server_for("sqlite", PATIENT_GRACE)
    longest = body.ljust(LONGEST, filler)

    assert send_and_break_off(server, path, media_type, body) == HTTPStatus.BAD_REQUEST
    # No more than gunicorn reads away behind an answer: beyond that it cuts the client off.
    for surplus in (filler, b"!" * 20_000):
        refused = send_in_chunks(server, path, media_type, longest + surplus)
        assert refused == HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    # The address is not taken yet.
    assert send_in_chunks(server, path, media_type, longest) < HTTPStatus.BAD_REQUEST
