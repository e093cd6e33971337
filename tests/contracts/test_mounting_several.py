"""All contracts on one host: one person, sessions of their own, cookies of their own, one description."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Session
from app.primitives.clock import FrozenClock
from config import ConfigurationError
from tests.clients import ORIGIN, PASSWORD, AuthClient, Device
from tests.conftest import AppFor, runtime_of
from tests.contracts.devices import CONTRACTS, SLUG, assert_in_shape, contract_of
from tests.contracts.entryguard_client import EntryGuardClient
from tests.contracts.falcon_alert_client import FalconClient
from tests.contracts.oauth2_client import EMAIL, OAuth2Client
from tests.contracts.regardingwork_hub_client import HubClient
from tests.contracts.seven_g_client import SevenGClient
from tests.http.wire import cleared_cookies, set_cookies, stored_rows
from tests.rows import claims_of, event_kinds

ALL = "nest_auth,entryguard,seven_g,regardingwork_hub,falcon_alert@/falcon,oauth2"
USERNAME = "ada"
# What browsers load is no interface for programs.
FOR_BROWSERS = ("pages.", "client_module.")
SERVICE_PATHS = {"/healthz", "/readyz", "/openapi.json", "/docs"}


class FalconElsewhere(FalconClient):
    """A device that speaks falcon_alert where nest_auth has taken its paths."""

    refresh_path = "/falcon/auth/refresh"

    def send(self, method, path, **options):
        return super().send(method, f"/falcon{path}", **options)


@pytest.fixture
def app(app_for: AppFor, transport: str) -> Flask:
    """Serve every contract at once."""
    return app_for(contracts=ALL, access_token_type=transport)


@pytest.fixture
def devices(app: Flask, transport: str) -> dict[str, Device]:
    """One device for each contract; Ada has logged in on all of them."""
    # The first of them registers Ada and its application.
    oauth = OAuth2Client(app, transport)
    engine = runtime_of(app).engine
    engine.organizations.create(slug=SLUG, name="Example Works")
    engine.organizations.add_member(SLUG, 1)
    kinds = (AuthClient, EntryGuardClient, SevenGClient, HubClient, FalconElsewhere)
    devices = {
        contract_of(device).name: device for device in (oauth, *(kind(app, transport) for kind in kinds))
    }
    for device in devices.values():
        by_name = isinstance(device, SevenGClient | HubClient)
        assert device.log_in(USERNAME if by_name else EMAIL, PASSWORD).status_code == 200
    assert set(devices) == set(CONTRACTS)
    return devices


def refused_by(device: Device, refresh_token: str | None) -> bool:
    """Tell whether a refresh token is refused, in the contract's shape."""
    answer = device.present(refresh_token)
    if answer.status_code != 200:
        assert 400 <= answer.status_code < 500
        assert_in_shape(answer, device, answer.status_code)
    return answer.status_code != 200


def lets_in(device: Device, access_token: str | None) -> bool:
    other = device.another_device()
    other.hold(access_token=access_token)
    return other.is_let_in()


def test_person_is_the_same_in_every_contract(app: Flask, devices: dict[str, Device]):
    with app.app_context():
        rows = db.session.execute(select(Session.contract, Session.user_id)).all()
    claims = {name: claims_of(device.current_access_token()) for name, device in devices.items()}

    assert sorted(rows) == sorted((name, 1) for name in devices)
    assert len({claims[name]["sub"] for name in ("nest_auth", "entryguard", "oauth2")}) == 1
    assert claims["seven_g"]["UserID"] == claims["falcon_alert"]["sub"] == "1"
    assert claims["regardingwork_hub"]["user_id"] == 1


def test_session_list_of_one_contract_shows_those_of_all(devices: dict[str, Device]):
    listed = devices["nest_auth"].get("/auth/sessions").get_json()["sessions"]

    sessions = {claims_of(device.current_access_token())["sid"] for device in devices.values()}
    assert {session["id"] for session in listed} == sessions
    assert len(sessions) == len(devices)


def test_limit_on_sessions_of_one_contract_ends_none_of_another(
    devices: dict[str, Device], clock: FrozenClock
):
    clock.advance(timedelta(seconds=1))
    for _ in range(10):
        assert devices["nest_auth"].another_device().log_in().status_code == 200

    assert {name for name, device in devices.items() if not device.is_let_in()} == {"nest_auth"}


def test_suspension_is_felt_in_every_contract(app: Flask, devices: dict[str, Device]):
    runtime_of(app).engine.accounts.suspend(1)

    for device in devices.values():
        assert not device.is_let_in()
        assert refused_by(device, device.current_refresh_token())


def test_no_contract_takes_a_token_of_another(app: Flask, devices: dict[str, Device]):
    before, seen = stored_rows(app), event_kinds(app)
    for name, device in devices.items():
        access, refresh = device.current_access_token(), device.current_refresh_token()
        for other in devices.values():
            if other is not device:
                assert refused_by(other, refresh), (name, contract_of(other).name)
                assert not lets_in(other, access), (name, contract_of(other).name)

    assert stored_rows(app) == before
    assert event_kinds(app) == seen
    assert all(device.is_let_in() for device in devices.values())
    assert all(device.refresh().status_code == 200 for device in devices.values())


def test_pair_of_another_contract_is_refused_where_both_tokens_are_needed(
    app: Flask, devices: dict[str, Device]
):
    before, seven_g = stored_rows(app), devices["seven_g"]
    for device in devices.values():
        if device is not seven_g:
            refused = seven_g.present_both(device.current_access_token(), device.current_refresh_token())
            assert refused.status_code in {400, 401}

    assert stored_rows(app) == before


def test_logout_in_one_contract_leaves_the_others_alone(devices: dict[str, Device]):
    devices["nest_auth"].log_out()

    assert [name for name, device in devices.items() if not device.is_let_in()] == ["nest_auth"]


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
def test_cookies_of_all_contracts_live_side_by_side_in_one_browser(devices: dict[str, Device]):
    jar = devices["nest_auth"].http
    for device in devices.values():
        tokens = {
            "access_token": device.current_access_token(),
            "refresh_token": device.current_refresh_token(),
        }
        device.http = jar
        device.hold(**tokens)
    names = [name for device in devices.values() for name in (device.access_cookie, device.refresh_cookie)]
    assert len(set(names)) == 2 * len(devices)

    for device in devices.values():
        others = {other: other.current_refresh_token() for other in devices.values() if other is not device}
        answer = device.refresh()
        assert answer.status_code == 200
        assert {device.access_cookie, device.refresh_cookie} <= set(set_cookies(answer))
        assert {other: other.current_refresh_token() for other in others} == others
    assert all(device.is_let_in() for device in devices.values())

    gone = devices["entryguard"].log_out()

    assert {"entryguard_access", "entryguard_refresh"} <= cleared_cookies(gone)
    assert [name for name, device in devices.items() if not device.is_let_in()] == ["entryguard"]


def test_description_covers_exactly_what_is_mounted_with_one_tag_for_each_contract(app: Flask):
    document = app.test_client().get("/openapi.json", base_url=ORIGIN).get_json()
    described = {
        (path, method.upper()): operation["tags"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    prefixes = {name: mount.settings.prefix for name, mount in runtime_of(app).mounts.items()}

    assert [tag["name"] for tag in document["tags"]] == [*prefixes, "service"]
    rules = {rule.rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith(FOR_BROWSERS)}
    assert len(rules) == len(document["paths"])
    for (path, _), tags in described.items():
        if path in SERVICE_PATHS:
            assert tags == ["service"]
        elif path.startswith("/.well-known/"):
            assert tags == ["oauth2"]
        else:
            owners = [name for name in prefixes if path.startswith(prefixes[name] + "/")]
            assert tags == [max(owners, key=lambda name: len(prefixes[name]))]
    assert {tag for tags in described.values() for tag in tags} == {*prefixes, "service"}


@pytest.mark.parametrize("name", [name for name in CONTRACTS if name != "nest_auth"])
def test_description_leaves_out_what_is_not_mounted(app_for: AppFor, name: str):
    document = app_for(contracts="nest_auth").test_client().get("/openapi.json", base_url=ORIGIN).get_json()

    assert name not in {tag["name"] for tag in document["tags"]}


@pytest.mark.parametrize("name", CONTRACTS)
def test_prefix_moves_the_whole_contract(app_for: AppFor, name: str):
    app = app_for(contracts=f"{name}@/some/where")
    own = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(f"{name}.")]

    assert own
    assert all(path.startswith(("/some/where/", "/.well-known/")) for path in own)
    unknown = app.test_client().get("/some/where/nowhere", base_url=ORIGIN)
    assert unknown.status_code == 404
    assert CONTRACTS[name].error_schema().validate(unknown.get_json()) == {}


@pytest.mark.parametrize(
    ("chosen", "first", "second", "route"),
    [
        ("nest_auth,falcon_alert", "nest_auth", "falcon_alert", "POST /auth/login"),
        ("falcon_alert,nest_auth", "falcon_alert", "nest_auth", "POST /auth/login"),
        ("entryguard@/api,regardingwork_hub", "entryguard", "regardingwork_hub", "POST /api/auth/refresh"),
        ("regardingwork_hub@/,falcon_alert", "regardingwork_hub", "falcon_alert", "POST /auth/refresh"),
        (ALL.replace("@/falcon", ""), "nest_auth", "falcon_alert", "POST /auth/login"),
    ],
)
def test_two_contracts_that_answer_one_route_stop_the_start_up(
    app_for: AppFor, chosen: str, first: str, second: str, route: str
):
    with pytest.raises(ConfigurationError) as refused:
        app_for(contracts=chosen)

    for word in ("KEYTURN_CONTRACTS", first, second, route):
        assert word in str(refused.value)


@pytest.mark.parametrize(
    "contracts", ["oauth2", "seven_g", "regardingwork_hub", "falcon_alert", "oauth2,falcon_alert"]
)
def test_factor_that_no_contract_asks_for_cannot_be_required(app_for: AppFor, contracts: str):
    with pytest.raises(ConfigurationError, match="nobody could log in"):
        app_for(contracts=contracts, mfa_required="true")


@pytest.mark.parametrize("contract", ["nest_auth", "entryguard"])
def test_factor_that_one_contract_asks_for_can_be_required(app_for: AppFor, contract: str):
    app_for(contracts=f"oauth2,{contract}", mfa_required="true")


def test_access_tokens_that_die_at_refresh_cannot_be_checked_by_signature(app_for: AppFor):
    with pytest.raises(ConfigurationError, match="KEYTURN_SEVEN_G__ACCESS_TOKEN_CHECK=session"):
        app_for(contracts=ALL, access_token_check="signature")
