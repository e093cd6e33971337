"""docs/contracts.md is what the tests and the service say, and its example works as it stands."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from app import contracts
from config import ConfigurationError, table
from tests.clients import Device
from tests.conftest import AppFor
from tests.contracts import conformance, test_shared_behaviour, test_shared_behaviour_refusals
from tests.contracts.conformance import EVERY, PAGE, facts, section
from tests.contracts.devices import CONTRACTS, Dialect

TEXT = PAGE.read_text("utf-8")
CONTRACT, DEVICE, DIALECT = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
CHOSEN = re.findall(r"^KEYTURN_CONTRACTS=(\S+)$", TEXT, re.MULTILINE)

rotation, refusals = test_shared_behaviour, test_shared_behaviour_refusals
BEHAVIOURS = (
    rotation.test_refresh_gives_two_new_tokens_and_keeps_the_one_row,
    refusals.test_outage_is_no_refusal_of_a_token,
    refusals.test_other_methods_are_not_allowed_in_the_contracts_shape,
)
BEHAVIOURS_OF_A_DIALECT = (
    refusals.test_person_who_is_gone_is_out_at_once,
    refusals.test_suspended_person_is_out_at_once,
    refusals.test_session_that_an_operator_ends_is_over_at_once,
    refusals.test_members_of_a_suspended_organization_are_out_at_once,
    refusals.test_refresh_without_a_token_is_refused_and_changes_nothing,
    refusals.test_access_token_is_no_refresh_token,
    refusals.test_unknown_path_is_not_found_in_the_contracts_shape,
)


@pytest.mark.parametrize("name", ["mounts", "conformance"])
def test_generated_part_is_as_it_would_be_written_now(name: str):
    """If this fails, run `python -m tests.contracts.conformance --write`."""
    assert section(TEXT, name) == conformance.SECTIONS[name]()


def test_requests_of_the_page_are_answered_as_it_says():
    if not shutil.which("curl"):
        if os.environ.get("KEYTURN_TEST_SERVICES") == "required":
            pytest.fail("curl is not installed")
        pytest.skip("curl is not installed")

    assert section(TEXT, "curl") == conformance.SECTIONS["curl"]()


def test_every_contract_with_a_document_has_facts():
    assert {fact.contract for fact in facts()} == {*CONTRACTS, EVERY} - {"oauth2"}


def test_no_test_is_lost_because_its_docstring_begins_otherwise():
    marked = sum(
        path.read_text("utf-8").count('"""[seed] ') for path in Path(PAGE.parents[1], "tests").rglob("*.py")
    )
    quoted_here_and_in_the_generator = 1

    assert marked - quoted_here_and_in_the_generator == len(facts())


@pytest.mark.parametrize("chosen", CHOSEN)
def test_contracts_that_the_page_mounts_fit_together(app_for: AppFor, chosen: str):
    assert app_for(contracts=chosen)


def test_contracts_that_the_page_says_to_collide_do(app_for: AppFor):
    everything = max(CHOSEN, key=len)
    with pytest.raises(ConfigurationError, match="POST /auth/login"):
        app_for(contracts=everything.replace("@/falcon", ""))


def test_every_name_on_the_page_exists():
    departures = TEXT.split("## Where we depart")[1].split("## Adding")[0]
    named = {
        name for row in re.findall(r"^\| (`.*?) \|", departures, re.MULTILINE) for name in row.split(", ")
    }

    assert set(re.findall(r"KEYTURN_[A-Z_]+", TEXT)) <= {setting.name for setting in table.ALL}
    assert {name.strip("`") for name in named} == set(CONTRACTS)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Device]]:
    """Save the example as the page says, in a folder that counts as one of the contracts'."""
    (tmp_path / "tideline.py").write_text(CONTRACT, "utf-8")
    monkeypatch.setattr(contracts, "__path__", [*contracts.__path__, str(tmp_path)])
    names: dict[str, type[Device]] = {}
    exec(compile(DEVICE, "tideline_client.py", "exec"), names)  # noqa: S102 - the example is ours
    yield names["TidelineClient"]
    sys.modules.pop("app.contracts.tideline", None)


@pytest.fixture
def dialect(example: type[Device]) -> Dialect:
    found = {"tideline": import_module("app.contracts.tideline").CONTRACT}
    names = {"Dialect": Dialect, "TidelineClient": example, "CONTRACTS": found}
    dialect: Dialect = eval(DIALECT, names)  # noqa: S307 - the example is ours
    return dialect


@pytest.fixture
def device(dialect: Dialect, app_for: AppFor, transport: str) -> Device:
    device = dialect.device(app_for(contracts="nest_auth,tideline", access_token_type=transport), transport)
    assert device.sign_up().status_code == 200
    return device


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_example_behaves_as_every_contract(device: Device, behaviour):
    behaviour(device)


@pytest.mark.parametrize("behaviour", BEHAVIOURS_OF_A_DIALECT, ids=lambda behaviour: behaviour.__name__)
def test_example_refuses_as_every_contract(device: Device, dialect: Dialect, behaviour):
    behaviour(device, dialect)


def test_example_is_described_like_every_contract(device: Device):
    document = device.app.test_client().get("/openapi.json").get_json()

    described = {path for path in document["paths"] if path.startswith("/tideline")}
    assert described == {"/tideline/login", "/tideline/renew", "/tideline/me"}
