"""`check`, the configuration doctor."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from app.extensions import db
from tests.reliability.databases import fresh_database

REDIS_URL = os.environ.get("KEYTURN_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


def stamp(service):
    with service.app.app_context(), db.engine.connect() as connection:
        MigrationContext.configure(connection).stamp(ScriptDirectory("migrations"), "head")
        connection.exec_driver_sql("COMMIT")


def findings(service, exits=0):
    lines = service.run("check", exits=exits).stdout.splitlines()
    return {
        topic: (verdict, message) for verdict, topic, message in (line.split(maxsplit=2) for line in lines)
    }


def test_a_migrated_service_is_sound(service):
    stamp(service)

    found = findings(service)

    assert found["database"][0] == found["migrations"][0] == found["clock"][0] == found["redis"][0] == "ok"
    assert "every process counts" in found["redis"][1]
    assert service.run_json("check")["ok"] is True


def test_a_database_without_tables_is_a_problem_that_names_the_remedy(make):
    service = make(tables=False)
    newest = ScriptDirectory("migrations").get_current_head()

    assert findings(service, exits=1)["migrations"] == (
        "problem",
        f"at nothing, {newest} is needed: run `flask --app wsgi db upgrade`",
    )


def test_tables_of_a_newer_version_are_a_problem(service):
    stamp(service)
    with service.app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'later'")
        connection.exec_driver_sql("COMMIT")

    verdict, message = findings(service, exits=1)["migrations"]
    assert verdict == "problem"
    assert message.endswith("revision later, which this version does not know")


def test_a_database_that_does_not_answer_is_a_problem_and_its_password_stays_hidden(make):
    service = make(tables=False, DATABASE_URL="postgresql+psycopg://ada:hush@127.0.0.1:1/keyturn")

    result = service.run("check", exits=1)

    assert "problem  database   postgresql+psycopg://127.0.0.1:1/keyturn does not answer" in result.stdout
    assert "hush" not in result.output
    assert "clock" not in result.stdout


def test_a_redis_that_does_not_answer_is_a_problem(make):
    service = make(REDIS_URL="redis://127.0.0.1:1/0")
    stamp(service)

    assert findings(service, exits=1)["redis"][0] == "problem"


@pytest.mark.parametrize(("limit", "verdict"), [("off", "warning"), ("2 per minute", "ok")])
def test_a_redis_that_counts_nothing_is_a_warning(make, limit, verdict):
    names = ("LOGIN", "SIGNUP", "REFRESH", "PASSWORD")
    service = make(REDIS_URL=REDIS_URL, **{f"RATE_LIMIT_{name}": limit for name in names})
    stamp(service)

    assert findings(service)["redis"][0] == verdict


def test_settings_that_are_not_for_production_are_a_warning(service):
    stamp(service)

    verdict, message = findings(service)["settings"]
    assert (verdict, "KEYTURN_ENV=production" in message) == ("warning", True)


@pytest.mark.parametrize(
    ("environ", "topic", "verdict", "part"),
    [
        ({"PUBLIC_URL": "http://id.example.org", "PAGES": "off"}, "address", "warning", "in clear"),
        ({"PUBLIC_URL": "https://id.example.org"}, "address", "ok", "https://id.example.org"),
        ({"PAGES": "off"}, "cookies", "ok", "none, tokens travel in body and header"),
        (
            {"PUBLIC_URL": "https://id.example.org"},
            "cookies",
            "ok",
            "accessToken, refreshToken (HttpOnly, Secure, SameSite=Lax) by the pages at /account",
        ),
        (
            {"ACCESS_TOKEN_TYPE": "cookie", "PUBLIC_URL": "https://id.example.org"},
            "cookies",
            "ok",
            "(HttpOnly, Secure, SameSite=Lax) to every client and by the pages at /account",
        ),
        ({}, "cookies", "warning", "browsers drop Secure cookies"),
        ({"ACCESS_TOKEN_TYPE": "client"}, "cookies", "warning", "to clients that ask for them and by"),
        (
            {"ACCESS_TOKEN_TYPE": "cookie", "ENV": "development"},
            "cookies",
            "warning",
            "without Secure, for development only",
        ),
        ({}, "lifetimes", "ok", "3600 s for an access token, 2592000 s without a refresh"),
        ({"SESSION_INACTIVITY_SECONDS": "3600"}, "lifetimes", "warning", "has lost the session"),
        ({"SESSION_ABSOLUTE_SECONDS": "3600"}, "lifetimes", "ok", "3600 s without a refresh"),
        ({}, "proxies", "ok", "the address of the connection counts"),
        ({"PUBLIC_URL": "https://id.example.org"}, "proxies", "warning", "KEYTURN_TRUSTED_PROXIES"),
        ({"PUBLIC_URL": "https://id.example.org", "TRUSTED_PROXIES": "1"}, "proxies", "ok", "1 in front"),
        ({"MAIL_URL": "smtp://ada:hush@mail.example.org"}, "mail", "ok", "goes to smtp"),
        ({"SMS_URL": "https://hush@sms.example.org/send"}, "sms", "ok", "go to https"),
        ({"MFA_REQUIRED": "true"}, "mfa", "ok", "asked of everybody"),
        (
            {"MFA_REQUIRED": "true", "CONTRACTS": "nest_auth,seven_g,oauth2"},
            "mfa",
            "warning",
            "and seven_g, oauth2 cannot: nobody logs in there",
        ),
    ],
)
def test_settings_are_explained_and_doubted(make, environ, topic, verdict, part):
    service = make(**environ)
    stamp(service)

    found = findings(service)[topic]

    assert found[0] == verdict
    assert part in found[1]
    assert "hush" not in found[1]


@pytest.mark.parametrize(
    ("environ", "verdict", "part"),
    [
        ({}, "ok", "8 in each worker, says"),
        ({"PASSWORD_HASH_CONCURRENCY": "4"}, "warning", "a flood of logins holds 8"),
        ({"DATABASE_POOL_SIZE": "7"}, "warning", "set KEYTURN_DATABASE_POOL_SIZE=8"),
    ],
)
def test_threads_are_compared_with_hashes_and_connections(make, environ, verdict, part):
    service = make(**environ)
    stamp(service)

    found = findings(service)["threads"]

    assert found[0] == verdict
    assert part in found[1]


@pytest.mark.parametrize(
    ("arguments", "verdict", "part"),
    [
        ("--workers 4 --threads 16", "warning", "16 in each worker, says GUNICORN_CMD_ARGS; only 10"),
        ("--workers 4", "ok", "gunicorn.conf.py"),
        ("--threads many", "problem", "cannot be read"),
        ("--config absent.py", "problem", "cannot be read"),
    ],
)
def test_what_the_environment_tells_gunicorn_counts(service, monkeypatch, arguments, verdict, part):
    stamp(service)
    monkeypatch.setenv("GUNICORN_CMD_ARGS", arguments)

    found = findings(service, exits=int(verdict == "problem"))["threads"]

    assert found[0] == verdict
    assert part in found[1]


def test_threads_are_not_guessed_where_gunicorn_is_not_configured(service, monkeypatch, tmp_path):
    stamp(service)
    monkeypatch.chdir(tmp_path)

    assert "there is no gunicorn.conf.py" in findings(service)["threads"][1]


def test_mail_and_text_messages_that_reach_nobody_are_warnings_in_production(make):
    strong = {"PASSWORD_ARGON2_MEMORY_KIB": "19456", "PASSWORD_ARGON2_ITERATIONS": "2"}
    service = make(ENV="production", **strong)
    stamp(service)

    found = findings(service)

    assert found["settings"] == ("ok", "every setting was accepted, for production")
    assert found["mail"][0] == found["sms"][0] == "warning"


def test_text_messages_are_not_spoken_of_where_no_contract_sends_any(make):
    service = make(CONTRACTS="entryguard")
    stamp(service)

    assert "sms" not in findings(service)


@pytest.mark.parametrize(
    ("name", "verdict", "part"),
    [
        ("5BAA6.txt", "ok", "answers"),
        ("5BAA7.txt", "problem", "away (FileNotFoundError): all of them pass"),
        ("elsewhere/5BAA6", "problem", "away (FileNotFoundError): all of them pass"),
    ],
)
def test_the_source_of_breached_passwords_is_asked_for_one_range(make, tmp_path, name, verdict, part):
    path = tmp_path / "ranges" / name
    path.parent.mkdir(parents=True)
    path.write_text("1E4C9B93F3F0682250B6CF8331B7EE68FD8:3861493\n")
    service = make(BREACHED_PASSWORDS_URL=f"file:{tmp_path / 'ranges'}")
    stamp(service)

    found = findings(service, exits=int(verdict == "problem"))["passwords"]

    assert found[0] == verdict
    assert part in found[1]


def test_a_source_that_does_not_know_the_best_known_password_is_a_warning(make, tmp_path):
    (tmp_path / "5BAA6").write_text("<!doctype html>\n")
    service = make(BREACHED_PASSWORDS_URL=f"file:{tmp_path}")
    stamp(service)

    assert findings(service)["passwords"][0] == "warning"


def test_nothing_is_said_of_breached_passwords_without_a_source(service):
    stamp(service)

    assert "passwords" not in findings(service)


@pytest.fixture(params=["postgresql+psycopg", "mysql+pymysql", "mariadb+pymysql"])
def server_url(request):
    with fresh_database("postgresql" if request.param.startswith("postgresql") else "mariadb") as url:
        yield make_url(url).set(drivername=request.param).render_as_string(hide_password=False)


# The database comes first, so that it is dropped after its connections are closed.
def test_a_clock_that_differs_from_the_databases_is_a_problem(server_url, make):
    service = make(DATABASE_URL=server_url)
    stamp(service)
    service.clock.advance(datetime.now(UTC) - service.clock.now())
    verdict, message = findings(service)["clock"]
    assert verdict == "ok"
    assert message.endswith("s from the database's")

    service.clock.advance(timedelta(seconds=-8))

    verdict, message = findings(service, exits=1)["clock"]
    assert verdict == "problem"
    assert message.endswith("let both follow a time server")
