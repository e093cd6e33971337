"""Where falcon_alert is mounted: at the root it meets nest_auth, elsewhere it does not."""

import pytest

from config import ConfigurationError
from tests.clients import AuthClient
from tests.conftest import AppFor
from tests.contracts.falcon_alert_client import EMAIL, FalconClient, assert_refused
from tests.contracts.regardingwork_hub_client import HubClient


@pytest.mark.parametrize("chosen", ["nest_auth,falcon_alert", "falcon_alert,nest_auth"])
def test_two_contracts_that_answer_one_route_stop_the_start_up(app_for: AppFor, chosen: str):
    with pytest.raises(ConfigurationError) as refused:
        app_for(contracts=chosen)

    for word in ("KEYTURN_CONTRACTS", "nest_auth", "falcon_alert", "POST /auth/login"):
        assert word in str(refused.value)


def test_another_prefix_makes_room_for_both(app_for: AppFor):
    app = app_for(contracts="nest_auth,falcon_alert@/falcon")
    body = {"email": EMAIL, "name": "Ada", "password": "correct horse battery"}
    http = app.test_client()

    registered = http.post("/falcon/users/register", json=body)
    logged_in = http.post("/falcon/auth/login", json={**body, "type": "mobile"})

    assert registered.status_code == 200
    assert_refused(logged_in, 400, ["property name should not exist"])
    assert_refused(http.get("/falcon/nowhere"), 404)
    assert AuthClient(app, "header").log_in().status_code == 200


def test_one_person_in_three_contracts_has_sessions_of_their_own(app_for: AppFor):
    app = app_for(contracts="nest_auth@/nest,falcon_alert,regardingwork_hub")
    hub, falcon = HubClient(app, "header"), FalconClient(app, "header")
    hub.sign_up()

    assert falcon.log_in(EMAIL, "correct horse battery 1").status_code == 200

    assert falcon.use().get_json()["profile"]["id"] == "1"
    assert_refused(falcon.present(hub.refresh_token), 401)
    assert hub.present(falcon.refresh_token).status_code == 401
    falcon.access_token, hub.access_token = hub.access_token, falcon.access_token
    assert falcon.use().status_code == hub.use().status_code == 401
    assert hub.refresh().status_code == falcon.refresh().status_code == 200
