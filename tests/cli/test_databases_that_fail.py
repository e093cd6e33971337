"""What commands say when the database does not do its part."""

import pytest


@pytest.mark.parametrize("command", [("users", "list"), ("sessions", "count"), ("events", "tail")])
def test_missing_tables_are_a_sentence_and_exit_code_3(make, command):
    result = make(tables=False).run(*command, exits=3)

    assert result.stdout == ""
    assert "no such table" in result.stderr
    assert "`flask --app wsgi check` looks for the cause" in result.stderr


def test_an_unreachable_database_is_a_sentence_and_exit_code_3(make):
    service = make(tables=False, DATABASE_URL="postgresql+psycopg://ada:hush@127.0.0.1:1/keyturn")

    result = service.run("organizations", "list", exits=3)

    assert result.stderr.startswith("Error: The service is temporarily unavailable")
    assert "hush" not in result.output


def test_bytes_that_are_no_text_are_wrong_usage(service):
    assert "not valid UTF-8" in service.run("users", "show", "\udcff@example.test", exits=2).stderr
