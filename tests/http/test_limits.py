"""Limits per address: 429 with the time to wait, in the process or in Redis, and when Redis is away."""

import ipaddress
import logging
import os
import secrets
import time
from collections.abc import Iterator

import pytest
import redis

from app.http.limits import ProcessStorage
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import AppFor
from tests.http.wire import assert_refused, set_cookies, stored_rows
from tests.rows import event_kinds

REDIS_URL = os.environ.get("KEYTURN_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
NO_REDIS = "redis://127.0.0.1:1/0"
MESSAGE = "Too many requests; try again later."
CREDENTIALS = {"credentials": {"email": "ada@example.test", "password": PASSWORD}}
LIMITED = {
    "login": ("/auth/login", CREDENTIALS),
    "signup": ("/auth/signup", {"email": "eve@example.test", "password": PASSWORD}),
    "refresh": ("/auth/refresh-token", {"refreshToken": "garbage"}),
    "password": ("/auth/change-password", {"currentPassword": "x", "newPassword": "y"}),
}


def _from(client: AuthClient, address: str, path: str = "/auth/login", body: object = None, **headers: str):
    """Post from an address, as the server sees it at the socket."""
    return client.http.post(
        path,
        json=CREDENTIALS if body is None else body,
        headers=headers,
        base_url=ORIGIN,
        environ_overrides={"REMOTE_ADDR": address},
    )


@pytest.mark.parametrize("name", LIMITED)
def test_request_over_the_limit_is_told_how_long_to_wait(app_for: AppFor, transport: str, name: str) -> None:
    limit = {f"rate_limit_{name}": "2 per minute"}
    client = AuthClient(app_for(access_token_type=transport, **limit), transport)
    path, body = LIMITED[name]
    for _ in range(2):
        assert _from(client, "192.0.2.1", path, body).status_code != 429
    before, seen = stored_rows(client.app), event_kinds(client.app)

    refused = _from(client, "192.0.2.1", path, body)

    assert_refused(refused, 429, "RATE_LIMITED", MESSAGE)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "WWW-Authenticate" not in refused.headers
    assert set_cookies(refused) == {}
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen
    assert _from(client, "192.0.2.2", path, body).status_code != 429


def test_limits_count_each_operation_by_itself(app_for: AppFor) -> None:
    client = AuthClient(app_for(rate_limit_login="1 per minute", rate_limit_refresh="1 per minute"), "header")
    _from(client, "192.0.2.1")

    assert _from(client, "192.0.2.1").status_code == 429
    path, body = LIMITED["refresh"]
    assert _from(client, "192.0.2.1", path, body).status_code == 401


def test_several_limits_hold_together(app_for: AppFor) -> None:
    client = AuthClient(app_for(rate_limit_login="5 per minute; 2 per hour"), "header")

    answers = [_from(client, "192.0.2.1") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[-1].headers["Retry-After"]) > 60


def test_own_success_does_not_reset_the_address(app_for: AppFor, transport: str) -> None:
    client = AuthClient(app_for(access_token_type=transport, rate_limit_login="3 per minute"), transport)
    client.sign_up()
    wrong = {"credentials": {"email": "eve@example.test", "password": "wrong password"}}

    statuses = [_from(client, "192.0.2.1", body=body).status_code for body in (wrong, None, wrong, wrong)]

    assert statuses == [401, 200, 401, 429]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("2001:db8:1:2::1", "2001:0DB8:0001:0002:0000:0000:0000:0001"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1%eth1"),
        ("", "not an address"),
    ],
)
def test_spellings_and_neighbours_in_one_network_count_together(
    app_for: AppFor, first: str, second: str
) -> None:
    client = AuthClient(app_for(rate_limit_login="1 per minute"), "header")
    _from(client, first)

    assert _from(client, second).status_code == 429


def test_another_ipv6_network_counts_by_itself(app_for: AppFor) -> None:
    client = AuthClient(app_for(rate_limit_login="1 per minute"), "header")
    _from(client, "2001:db8:1:2::1")

    assert _from(client, "2001:db8:1:3::1").status_code == 401


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X_Real_Ip", "Forwarded", "True_Client_Ip", "Client_Ip"])
def test_forwarded_addresses_are_ignored_without_a_trusted_proxy(app_for: AppFor, name: str) -> None:
    client = AuthClient(app_for(rate_limit_login="1 per minute"), "header")
    header = name.replace("_", "-")

    statuses = [
        _from(client, "192.0.2.1", **{header: value}).status_code
        for value in ("198.51.100.1", "198.51.100.2")
    ]

    assert statuses == [401, 429]


def test_one_trusted_proxy_is_believed_in_its_own_entry_only(app_for: AppFor) -> None:
    client = AuthClient(app_for(rate_limit_login="1 per minute", trusted_proxies=1), "header")

    def ask(forwarded: str) -> int:
        return _from(client, "10.0.0.1", **{"X-Forwarded-For": forwarded}).status_code

    assert ask("198.51.100.1") == 401
    assert ask("198.51.100.2") == 401
    assert ask("203.0.113.7, 198.51.100.1") == 429
    assert ask("198.51.100.3, 198.51.100.2") == 429


def test_process_storage_forgets_a_window_when_it_is_over() -> None:
    storage = ProcessStorage()

    assert [storage.incr("running", 60) for _ in range(3)] == [1, 2, 3]
    assert storage.get("running") == 3
    assert storage.get_expiry("running") > 0

    storage.incr("over", 0.01)
    time.sleep(0.02)
    assert storage.get("over") == 0
    assert storage.incr("over", 60, amount=2) == 2


def test_process_storage_counts_each_key_and_clears_one_or_all() -> None:
    storage = ProcessStorage()
    for key in ("one", "one", "two"):
        storage.incr(key, 60)

    storage.clear("one")
    storage.clear("never seen")

    assert (storage.get("one"), storage.get("two")) == (0, 1)
    assert storage.check()
    assert storage.reset() == 1
    assert storage.get("two") == 0


@pytest.fixture
def shared_address() -> Iterator[str]:
    """Give an address of this test alone, and take its counters out of the shared store afterwards."""
    store = redis.Redis.from_url(REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        store.ping()
    except redis.RedisError as error:
        reason = f"Redis does not answer: {error}"
        if os.environ.get("KEYTURN_TEST_SERVICES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    network = ipaddress.ip_network(f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::/64")
    yield str(network[1])
    keys = list(store.scan_iter(f"*{network}*"))
    if keys:
        store.delete(*keys)
    store.close()


def test_two_processes_share_their_limits_through_redis(app_for: AppFor, shared_address: str) -> None:
    clients = [
        AuthClient(app_for(rate_limit_login="3 per minute", redis_url=REDIS_URL), "header") for _ in range(2)
    ]

    statuses = [_from(clients[turn % 2], shared_address).status_code for turn in range(5)]

    assert statuses == [401, 401, 401, 429, 429]
    assert clients[0].get("/readyz").get_json()["limits"] == "ok"


def test_limits_count_per_process_while_redis_is_away(
    app_for: AppFor, caplog: pytest.LogCaptureFixture
) -> None:
    client = AuthClient(app_for(rate_limit_login="2 per minute", redis_url=NO_REDIS), "header")
    with caplog.at_level(logging.WARNING, "app"):
        statuses = [_from(client, "192.0.2.1").status_code for _ in range(4)]

    assert statuses == [401, 401, 429, 429]
    lost = [record for record in caplog.records if "limit store is away" in record.getMessage()]
    assert len(lost) == 1
    assert "127.0.0.1:1" not in lost[0].getMessage()


def test_lost_limit_store_is_told_and_does_not_make_the_service_unready(app_for: AppFor) -> None:
    answer = AuthClient(app_for(redis_url=NO_REDIS), "header").get("/readyz")

    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "ok",
        "database": "ok",
        "limits": "unavailable, counting per process",
    }


def test_service_without_redis_says_that_it_counts_per_process(app_for: AppFor) -> None:
    assert AuthClient(app_for(), "header").get("/readyz").get_json()["limits"] == "per process"
