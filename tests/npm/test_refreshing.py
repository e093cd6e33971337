"""The published client refreshes by itself, and nobody is logged out on the way."""

import pytest

from tests.npm.bridge import Bridge, ClientError
from tests.npm.conftest import Person, Wire, sign_up
from tests.npm.rows import Row, locked_database, sessions_of
from tests.reliability.proxy import Fault, Plan, lossy_proxy
from tests.reliability.server import Server

HERD = 20
# The proxy that loses answers knows no other way.
ONE_REQUEST_PER_CONNECTION = {"headers": {"Connection": "close"}}


def test_expired_access_token_is_refreshed_and_the_call_repeated(latecomer: Person, server: Server) -> None:
    assert latecomer.device.call("getSessionUserData")["email"] == latecomer.email
    assert latecomer.device.look()["traffic"][1:] == [
        ["GET", "/auth/me", 401],
        ["POST", "/auth/refresh-token", 200],
        ["GET", "/auth/me", 200],
    ]
    assert sessions_of(latecomer, server) == [Row(generation=2, is_revoked=False)]


def test_expired_session_check_is_refreshed_too(latecomer: Person) -> None:
    assert latecomer.device.call("verifySession")["valid"] is True
    assert latecomer.device.refreshes() == [200]


def test_token_near_its_expiry_is_seen_to_need_a_refresh(person: Person, wire: Wire) -> None:
    # A minute ahead, where the client can read the token at all.
    assert person.device.ask("needsRefresh") is (wire.mode == "header")


def test_fetches_at_once_share_the_refreshes_of_one_client(latecomer: Person, server: Server) -> None:
    answers = latecomer.device.fetch_at_once(HERD, "/auth/me")
    assert [answer["data"].get("email") for answer in answers] == [latecomer.email] * HERD
    # A fetch whose refusal comes in late asks for a refresh of its own.
    refreshes = latecomer.device.refreshes()
    assert len(refreshes) < HERD
    assert sessions_of(latecomer, server) == [Row(generation=1 + len(refreshes), is_revoked=False)]
    assert "logout" not in latecomer.device.look()["events"]


def test_tabs_that_refresh_by_themselves_log_nobody_out(
    latecomer: Person, server: Server, wire: Wire
) -> None:
    users = latecomer.device.call_in_tabs(HERD, "getSessionUserData")
    assert [user["email"] for user in users] == [latecomer.email] * HERD
    assert latecomer.device.refreshes() == [200] * HERD
    [row] = sessions_of(latecomer, server)
    assert not row.is_revoked
    # Tabs share cookies, so one that is late may present the successor, which is a rotation of its own.
    assert row.generation == 2 or wire.mode == "cookie"
    latecomer.device.call("refresh")
    assert latecomer.device.call("getSessionUserData")["email"] == latecomer.email
    assert "logout" not in latecomer.device.look()["events"]


def test_lost_answer_is_made_good_by_asking_again(bridge: Bridge, server: Server, wire: Wire) -> None:
    with lossy_proxy(server.port, lose_first_refresh()) as proxy:
        person = sign_up(bridge.device(proxy.base_url, wire.mode), ONE_REQUEST_PER_CONNECTION)
        before = person.device.claims()
        with pytest.raises(ClientError) as failure:
            person.device.call("refresh", None, ONE_REQUEST_PER_CONNECTION)
        assert (failure.value.answer["statusCode"], failure.value.answer["kind"]) == (0, "indeterminate")
        assert sessions_of(person, server) == [Row(generation=2, is_revoked=False)]
        assert person.device.claims() == before
        person.device.call("refresh", None, ONE_REQUEST_PER_CONNECTION)
    assert person.device.claims()["gen"] == 2
    assert sessions_of(person, server) == [Row(generation=2, is_revoked=False)]


def test_locked_database_logs_nobody_out(person: Person, server: Server) -> None:
    before = person.device.claims()
    with locked_database(server), pytest.raises(ClientError) as failure:
        person.device.call("refresh")
    assert (failure.value.answer["statusCode"], failure.value.answer["kind"]) == (503, "indeterminate")
    assert person.device.claims() == before
    person.device.call("refresh")
    assert person.device.call("getSessionUserData")["email"] == person.email


def lose_first_refresh() -> Plan:
    faults = iter([Fault.CUT_ANSWER])
    return lambda path: next(faults, Fault.NONE) if path == "/auth/refresh-token" else Fault.NONE
