"""Bodies that are no good: refused by every operation that reads one, in the contract's shape."""

import io
import json

import pytest
from werkzeug.test import TestResponse

from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import runtime_of
from tests.http.wire import (
    MountedOperation,
    assert_is_contract_error,
    assert_refused,
    mounted_operations,
    send,
    set_cookies,
    stored_rows,
)
from tests.rows import event_kinds

GOOD = {
    "email": "eve@example.test",
    "password": PASSWORD,
    "credentials": {"email": "ada@example.test", "password": PASSWORD},
    "currentPassword": PASSWORD,
    "newPassword": "another horse battery",
}
TEXT = json.dumps(GOOD)
CHUNKED = {"Transfer-Encoding": "chunked"}

UNREADABLE = {
    "not JSON": b"hello",
    "array": b"[]",
    "array of objects": f"[{TEXT}]".encode(),
    "string": b'"text"',
    "number": b"1",
    "null": b"null",
    "cut off": TEXT[:-1].encode(),
    "two values": (TEXT + TEXT).encode(),
    "trailing comma": (TEXT[:-1] + ",}").encode(),
    "comment": (TEXT + "// good").encode(),
    "single quotes": TEXT.replace('"', "'").encode(),
    "raw NUL": TEXT.replace("horse", "horse\0").encode(),
    "escaped NUL": TEXT.replace("horse", r"horse\u0000").encode(),
    "NUL in a name": b'{"a\\u0000": 1}',
    "raw line break": TEXT.replace("horse", "horse\n").encode(),
    "invalid UTF-8": TEXT.encode().replace(b"horse", b"h\xff\xfe"),
    "overlong UTF-8": TEXT.encode().replace(b"horse", b"\xc0\xaf"),
    "raw surrogate": TEXT.encode().replace(b"horse", b"\xed\xa0\x80"),
    "lone surrogate": TEXT.replace("horse", r"\ud800").encode(),
    "surrogates the wrong way round": TEXT.replace("horse", r"\udc00\ud800").encode(),
    "deep arrays": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deep objects": b'{"a":' * 6_000 + b"1" + b"}" * 6_000,
    "deep and never closed": b"[" * 60_000,
    "duplicate name": (TEXT[:-1] + ', "password": "x"}').encode(),
    "duplicate name inside": b'{"credentials": {"email": "a", "email": "b"}}',
    "duplicate name, escaped": b'{"refreshToken": "a", "refreshTok\\u0065n": "b"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "huge integer": b'{"a": ' + b"9" * 5_000 + b"}",
    "byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
}

WRONG_TYPES = [
    None,
    "",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/problem+json",
    "text/plain; application/json",
    "text/plain, application/json",
    "application/json/x",
    "é",
]


def test_unreadable_body_is_refused_everywhere_and_changes_nothing(
    client: AuthClient, subtests: pytest.Subtests
) -> None:
    client.sign_up()
    client.get("/auth/me")
    before, seen = stored_rows(client.app), event_kinds(client.app)
    readers = [operation for operation in mounted_operations(client.app) if operation.reads_body]

    for name, body in UNREADABLE.items():
        with subtests.test(name):
            for operation in readers:
                refused = send(client, operation, data=body, content_type="application/json")
                assert_is_contract_error(refused, operation)
                assert (refused.status_code, set_cookies(refused)) == (400, {})
            assert stored_rows(client.app) == before
            assert event_kinds(client.app) == seen


def test_body_that_does_not_call_itself_json_is_refused(
    client: AuthClient, subtests: pytest.Subtests
) -> None:
    client.sign_up()
    client.get("/auth/me")
    before = stored_rows(client.app)
    readers = [operation for operation in mounted_operations(client.app) if operation.reads_body]

    for content_type in WRONG_TYPES:
        with subtests.test(str(content_type)):
            for operation in readers:
                refused = send(client, operation, data=TEXT.encode(), content_type=content_type)
                assert_refused(refused, 415, None, "Unsupported Media Type")
                assert set_cookies(refused) == {}
            assert stored_rows(client.app) == before


def test_body_of_a_megabyte_is_refused_unread(client: AuthClient) -> None:
    client.sign_up()
    client.get("/auth/me")
    before = stored_rows(client.app)
    body = json.dumps({**GOOD, "padding": "x" * 1_000_000})

    for operation in mounted_operations(client.app):
        if operation.reads_body:
            refused = send(client, operation, data=body, content_type="application/json")
            assert_refused(refused, 413)
            assert set_cookies(refused) == {}

    assert stored_rows(client.app) == before


@pytest.mark.parametrize("headers", [{}, CHUNKED], ids=["declared", "chunked"])
def test_body_may_be_as_long_as_the_limit_and_not_a_byte_longer(
    client: AuthClient, headers: dict[str, str]
) -> None:
    client.sign_up()
    client.get("/auth/me")
    before = stored_rows(client.app)
    longest = runtime_of(client.app).settings.web.max_body_bytes
    # What would be read of them is good: nothing but their length is wrong.
    too_long = [b" " * (longest + surplus - len(TEXT)) + TEXT.encode() for surplus in (1, 100_000)]
    cut = TEXT.encode() + b" " * (longest - len(TEXT)) + b"!" * 100_000

    for operation in mounted_operations(client.app):
        for body in (*too_long, cut) if operation.reads_body else ():
            refused = send_raw(client, operation, body, headers)
            assert_refused(refused, 413)
            assert set_cookies(refused) == {}

    assert stored_rows(client.app) == before
    login = next(each for each in mounted_operations(client.app) if each.path == "/auth/login")
    assert send_raw(client, login, TEXT.ljust(longest).encode(), headers).status_code == 200


def test_body_that_ends_before_the_length_it_declared_is_refused(client: AuthClient) -> None:
    client.sign_up()
    client.get("/auth/me")
    before = stored_rows(client.app)

    for operation in mounted_operations(client.app):
        if operation.reads_body:
            refused = send_raw(client, operation, TEXT.encode(), {}, CONTENT_LENGTH=str(len(TEXT) + 1))
            assert_refused(refused, 400, None, "Bad Request")
            assert set_cookies(refused) == {}

    assert stored_rows(client.app) == before


def send_raw(
    client: AuthClient, operation: MountedOperation, body: bytes, headers: dict[str, str], **environ: str
) -> TestResponse:
    """Call an operation as gunicorn does, which leaves it to the application how far to read."""
    return send(
        client,
        operation,
        input_stream=io.BytesIO(body),
        content_type="application/json",
        headers=headers,
        environ_overrides={"wsgi.input_terminated": True, **environ},
    )


@pytest.mark.parametrize("content_type", ["text/plain", "application/json"])
@pytest.mark.parametrize("body", [b"\xff\x00", b"[" * 10_000])
def test_operations_without_a_body_do_not_look_at_one(
    client: AuthClient, body: bytes, content_type: str
) -> None:
    for operation in mounted_operations(client.app):
        if not operation.reads_body:
            answer = send(client, operation, data=body, content_type=content_type)
            assert answer.status_code == (401 if operation.is_guarded else 200), operation


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-16",
        "application/json;charset=",
        "APPLICATION/JSON ; x=y",
        "application/json;",
    ],
)
def test_json_is_utf8_whatever_charset_is_claimed(client: AuthClient, content_type: str) -> None:
    client.sign_up()
    body = json.dumps({"credentials": {"email": "ada@example.test", "password": PASSWORD}})

    answer = client.http.post("/auth/login", data=body, content_type=content_type, base_url=ORIGIN)

    assert answer.status_code == 200


@pytest.mark.parametrize(("depth", "status"), [(8, 401), (9, 400), (900, 400), (9_000, 400)])
def test_nesting_ends_long_before_the_parser_does(client: AuthClient, depth: int, status: int) -> None:
    body = b'{"a":' * depth + b"1" + b"}" * depth

    refused = client.http.post(
        "/auth/refresh-token", data=body, content_type="application/json", base_url=ORIGIN
    )

    wanted = (None, "the body is nested too deeply") if status == 400 else ("REFRESH_TOKEN_INVALID",)
    assert_refused(refused, status, *wanted)


@pytest.mark.parametrize(
    "password",
    [
        f"horse battery {brackets}"
        for brackets in ("[" * 12, "}{}{}{}{{{{{{{{{{{{", '"[[[[[[[[[[\\', "{'a':[[[[")
    ],
)
def test_brackets_inside_a_password_are_no_nesting(client: AuthClient, password: str) -> None:
    assert client.sign_up(password=password).status_code == 200
    assert client.another_device().log_in(password=password).status_code == 200


def test_password_counts_whole_and_as_typed(client: AuthClient) -> None:
    password = " horse battery staple " + "x" * 80 + "Z "
    client.sign_up(password=password)

    for wrong in (password.strip(), password[:72], password.casefold(), password + "x"):
        assert_refused(client.another_device().log_in(password=wrong), 401, "INVALID_CREDENTIALS")
    assert client.another_device().log_in(password=password).status_code == 200


def test_password_is_the_same_in_either_unicode_form(client: AuthClient) -> None:
    client.sign_up(password="caf\u00e9 au lait")

    assert client.another_device().log_in(password="cafe\u0301 au lait").status_code == 200
