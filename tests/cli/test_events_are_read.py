"""`events tail`."""

import json


def test_the_newest_events_come_oldest_first(ada):
    session = ada.log_in()

    created, login = ada.run("events", "tail").stdout.splitlines()

    assert created == "2026-03-01 12:00:00Z  account:self:created            administrator  user=1"
    assert login.startswith("2026-03-01 12:00:00Z  session:login:succeeded         person         user=1")
    assert f"session={session.id}  address=192.0.2.7  agent=Firefox" in login


def test_json_is_one_document_on_each_line(ada):
    ada.log_in()

    lines = ada.run("events", "tail", "--json", "--limit", "1").stdout.splitlines()

    (event,) = map(json.loads, lines)
    assert (event["kind"], event["user_id"], event["details"]) == (
        "session:login:succeeded",
        1,
        {"methods": ["pwd"]},
    )


def test_an_agent_cannot_steer_the_terminal_or_fake_a_line(ada):
    ada.log_in(agent="x\x1b[2J\n2026-03-01 12:00:00Z  account:self:deleted")

    shown = ada.run("events", "tail").stdout

    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown
