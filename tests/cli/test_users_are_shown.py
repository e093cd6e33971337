"""`users list` and `users show`."""

PASSWORD = "correct horse battery"


def test_the_table_has_a_line_for_each_person(ada):
    ada.run("users", "create", "--email", "bob@example.test", "--password", PASSWORD)

    heads, first, second = ada.run("users", "list").stdout.splitlines()

    assert heads.split() == ["ID", "UUID", "EMAIL", "USERNAME", "NAME", "ROLE", "STATUS", "CREATED", "AT"]
    assert heads.index("EMAIL") == first.index("ada@example.test") == second.index("bob@example.test")
    assert first.endswith("active  2026-03-01 12:00:00Z")


def test_a_long_list_comes_in_pages(ada):
    ada.run("users", "create", "--email", "bob@example.test", "--password", PASSWORD)

    page = ada.run("users", "list", "--limit", "1")
    rest = ada.run_json("users", "list", "--after", "1")

    assert page.stderr == "There may be more: --after 1\n"
    assert [person["email"] for person in rest] == ["bob@example.test"]


def test_an_empty_service_says_so(service):
    assert service.run("users", "list").stdout == "Nobody.\n"
    assert service.run_json("users", "list") == []


def test_one_person_is_shown_field_by_field_or_as_json(ada):
    person = ada.person()
    lines = dict(
        line.split(maxsplit=1) for line in ada.run("users", "show", "ADA@example.test").stdout.splitlines()
    )
    document = ada.run_json("users", "show", "ada@example.test")

    assert (lines["uuid"], lines["name"], lines["phone"]) == (str(person.uuid), "Ada Lovelace", "-")
    assert (document["uuid"], document["phone"]) == (str(person.uuid), None)
    assert document["created_at"] == "2026-03-01T12:00:00Z"
    assert "hashed_password" not in document


def test_a_name_cannot_steer_the_terminal(ada):
    ada.run("users", "set", "ada@example.test", r'name="\u001b[2J\u202eevil"')

    shown = ada.run("users", "list").stdout

    assert "\x1b" not in shown
    assert r"\x1b[2J\u202eevil" in shown
