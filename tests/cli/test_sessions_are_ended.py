"""`sessions list`, `revoke`, `revoke-all`, `revoke-before`, `prune`, `count`."""

from datetime import timedelta
from uuid import uuid4

from app.engine.events import EventKind
from app.engine.refreshing import EndReason

EMAIL = "ada@example.test"


def test_live_sessions_are_listed_with_device_and_address(ada):
    session = ada.log_in(agent="Firefox on \x1b[31mLinux")

    heads, line = ada.run("sessions", "list", EMAIL).stdout.splitlines()

    assert heads.split() == ["ID", "DEVICE", "ADDRESS", "CREATED", "LAST", "SEEN", "EXPIRES"]
    assert line.split("  ") == [
        str(session.id),
        r"Firefox on \x1b[31mLinux",
        "192.0.2.7",
        "2026-03-01 12:00:00Z",
        "2026-03-01 12:00:00Z",
        "2026-03-31 12:00:00Z",
    ]


def test_json_lists_no_salt(ada):
    session = ada.log_in()

    (row,) = ada.run_json("sessions", "list", EMAIL)

    assert (row["id"], row["contract"], row["generation"]) == (str(session.id), "nest_auth", 1)
    assert "salt" not in row


def test_nobody_logged_in_is_said(ada):
    assert ada.run("sessions", "list", EMAIL).stdout == f"{EMAIL} has no live session.\n"


def test_one_session_is_revoked_by_an_administrator_and_the_others_stay(ada):
    ended, kept = ada.log_in(), ada.log_in()

    assert ada.run("sessions", "revoke", str(ended.id)).stdout == f"Session {ended.id} is over.\n"

    assert ada.engine.sessions.look_up(ended.id).session.revoked_reason == EndReason.ADMINISTRATOR
    assert [row["id"] for row in ada.run_json("sessions", "list", EMAIL)] == [str(kept.id)]
    (event,) = ada.events(EventKind.SESSION_ENDED)
    assert (event.actor, event.session_id) == ("administrator", ended.id)
    assert event.details == {"reason": "administrator"}


def test_all_sessions_of_a_person_are_revoked(ada):
    ada.log_in()
    ada.log_in()

    assert ada.run_json("sessions", "revoke-all", EMAIL) == {"ended": 2}

    assert ada.run_json("sessions", "list", EMAIL) == []
    (event,) = ada.events(EventKind.SESSIONS_ENDED)
    assert (event.actor, event.details) == ("administrator", {"count": 2, "reason": "administrator"})


def test_all_sessions_opened_before_a_moment_are_revoked_and_later_ones_stay(ada):
    ada.log_in()
    ada.log_in()
    ada.clock.advance(timedelta(minutes=1))
    kept = ada.log_in()

    assert ada.run_json("sessions", "revoke-before", "2026-03-01T13:01:00+01:00") == {"ended": 2}

    assert [row["id"] for row in ada.run_json("sessions", "list", EMAIL)] == [str(kept.id)]
    (event,) = ada.events(EventKind.SESSIONS_ENDED)
    assert (event.actor, event.details) == ("administrator", {"count": 2, "reason": "administrator"})
    assert ada.run("sessions", "revoke-before", "2026-03-01T12:00:00Z").stdout == "Sessions ended: 0.\n"


def test_a_moment_without_an_offset_is_wrong_usage(ada):
    for moment in ("2026-03-01T12:00:00", "yesterday"):
        assert moment in ada.run("sessions", "revoke-before", moment, exits=2).stderr


def test_a_session_that_does_not_exist_is_a_sentence_and_no_id_is_wrong_usage(ada):
    assert ada.run("sessions", "revoke", str(uuid4()), exits=1).stderr == "Error: unknown session\n"
    assert "not a valid UUID" in ada.run("sessions", "revoke", "first", exits=2).stderr


def test_pruning_deletes_what_ended_longer_ago_than_the_retention(ada):
    ada.run("sessions", "revoke", str(ada.log_in().id))
    ada.log_in()
    assert ada.run("sessions", "count").stdout == "2\n"
    assert ada.run_json("sessions", "prune") == {"deleted": 0}

    ada.clock.advance(timedelta(days=8))

    assert ada.run("sessions", "prune").stdout == "Sessions deleted: 1.\n"
    assert ada.run_json("sessions", "count") == {"count": 1}
