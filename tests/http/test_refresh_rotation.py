"""What a client sees of the rotation table, by each transport."""

from datetime import timedelta

from app.primitives.clock import FrozenClock
from tests.clients import AuthClient
from tests.rows import claims_of, event_kinds, session_row

GRACE = timedelta(seconds=30)


def test_refresh_replaces_both_tokens_and_keeps_the_session(client: AuthClient, clock: FrozenClock) -> None:
    client.sign_up()
    first_access, first_refresh = client.current_access_token(), client.current_refresh_token()
    clock.advance(timedelta(minutes=50))

    assert client.refresh().status_code == 200

    assert client.current_refresh_token() != first_refresh
    assert client.current_access_token() != first_access
    assert claims_of(client.current_access_token())["sid"] == claims_of(first_access)["sid"]
    row = session_row(client.app, client.current_access_token())
    assert (row.generation, row.seen_generation) == (2, 1)


def test_predecessor_within_the_grace_period_returns_the_same_successor(
    client: AuthClient, clock: FrozenClock
) -> None:
    client.sign_up()
    first = client.current_refresh_token()
    client.refresh()
    clock.advance(GRACE)

    assert client.present(first).status_code == 200

    row = session_row(client.app, first)
    assert row.generation == 2
    assert row.revoked_at is None
    assert event_kinds(client.app)[-1] == "session:refresh:repeated"


def test_superseded_token_after_the_grace_period_ends_the_session(
    client: AuthClient, clock: FrozenClock
) -> None:
    client.sign_up()
    first = client.current_refresh_token()
    client.refresh()
    client.get("/auth/me")
    clock.advance(GRACE + timedelta(microseconds=1))

    refused = client.present(first)

    assert refused.status_code == 401
    assert refused.get_json()["code"] == "REFRESH_TOKEN_INVALID"
    row = session_row(client.app, first)
    assert row.revoked_reason == "reuse"
    assert event_kinds(client.app)[-1] == "session:refresh:reused"
    assert client.refresh().status_code == 401
    assert client.get("/auth/me").status_code == 401


def test_lost_answer_is_recovered_long_after_the_grace_period(client: AuthClient, clock: FrozenClock) -> None:
    client.sign_up()
    client.get("/auth/me")
    lost = client.present(client.current_refresh_token())
    clock.advance(timedelta(hours=20))

    assert client.refresh().status_code == 200

    row = session_row(client.app, client.current_access_token())
    assert (row.generation, row.given_up_from, row.given_up_to) == (3, 2, 2)
    assert event_kinds(client.app)[-1] == "session:refresh:recovered"
    assert lost.status_code == 200
