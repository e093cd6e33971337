"""Keyturn in somebody else's application: it brings its own paths and leaves the rest as it was."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask, jsonify, render_template_string, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from app import csrf_token, mount_on, signed_in, visitor
from app.delivery import DirectOutbox, MemorySender
from app.extensions import db
from app.primitives.clock import FrozenClock
from config import ConfigurationError
from tests.conftest import AppFor, SettingsFor, runtime_of
from tests.pages.browser import ORIGIN, Browser
from tests.pages.conftest import PASSWORD, sign_up


@pytest.fixture
def shop(
    empty_database: None,
    tmp_path: Path,
    settings_for: SettingsFor,
    clock: FrozenClock,
    outbox: MemorySender,
):
    """A shop with its own pages, error pages and templates, in which Keyturn is mounted."""
    (tmp_path / "templates" / "keyturn").mkdir(parents=True)
    app = Flask("shop", root_path=str(tmp_path))

    @app.errorhandler(404)
    def not_found(_error):
        return "The shop has no such thing", 404

    @app.errorhandler(Exception)
    def failed(error):
        return f"The shop is sorry: {type(error).__name__}", getattr(error, "code", 500)

    @app.get("/basket")
    @signed_in
    def basket():
        return f"Basket of {visitor().person.email}"

    @app.get("/broken")
    def broken():
        raise RuntimeError("broken")

    @app.post("/upload")
    def upload():
        return jsonify(length=len(request.get_data()))

    mount_on(app, settings_for(max_body_bytes=1024), clock=clock, postbox=DirectOutbox(outbox))
    yield app
    with app.app_context():
        db.engine.dispose()


def test_guard_stands_before_the_shops_own_views(shop: Flask):
    browser = Browser(shop).open("/basket")
    assert browser.path.startswith("/account/sign-in")

    assert sign_up(browser).open("/basket").answer.text == "Basket of ada@example.test"


def test_shop_keeps_its_own_error_pages(shop: Flask):
    assert Browser(shop).open("/nothing").answer.text == "The shop has no such thing"
    assert Browser(shop).open("/broken").answer.text == "The shop is sorry: RuntimeError"


def test_keyturn_keeps_the_shape_of_its_own_errors(shop: Flask):
    wrong = {"credentials": {"email": "a@example.test", "password": "wrong"}}
    client = shop.test_client()

    assert client.post("/auth/login", json=wrong).get_json()["code"] == "INVALID_CREDENTIALS"
    assert client.post("/auth/login", data="x" * 2000, content_type="application/json").status_code == 413
    assert client.get("/account/nothing").status_code == 404
    assert "Not Found" in client.get("/account/nothing").text


def test_shop_keeps_its_own_headers_and_sizes(shop: Flask):
    client = shop.test_client()

    assert client.post("/upload", data=b"x" * 5000).get_json() == {"length": 5000}
    assert "Content-Security-Policy" not in client.get("/broken").headers
    assert "Content-Security-Policy" in client.get("/account/sign-in", base_url=ORIGIN).headers
    assert client.get("/auth/me").headers["X-Content-Type-Options"] == "nosniff"


def test_shop_restyles_every_page_with_one_template(shop: Flask):
    base = "<title>{% block title %}{% endblock %}</title><b>The shop</b>{% block content %}{% endblock %}"
    (Path(shop.root_path) / "templates" / "keyturn" / "base.html").write_text(base)

    for path in ("sign-in", "sign-up", "forgotten-password", "reset-password"):
        assert "<b>The shop</b>" in Browser(shop).open(f"/account/{path}").answer.text


def test_shop_below_a_path_of_its_host_leads_to_pages_below_it_and_back(shop: Flask, clock: FrozenClock):
    shop.wsgi_app = DispatcherMiddleware(NotFound(), {"/shop": shop.wsgi_app})
    ada = Browser(shop).open("/shop/basket?tea=2")
    assert ada.path == "/shop/account/sign-in?next=%2Fshop%2Fbasket%3Ftea%3D2"

    ada.follow("Create an account").submit("Create account", email="ada@example.test", password=PASSWORD)
    assert ada.path == "/shop/basket?tea=2"
    Browser(shop).open("/shop/account/sign-in").submit("Sign in", email="ada@example.test", password=PASSWORD)
    clock.advance(timedelta(minutes=16))
    ada.open("/shop/account/sessions").submit("End all other sessions")
    assert ada.path == "/shop/account/confirm?next=/shop/account/sessions"
    assert ada.submit("Continue", secret=PASSWORD).path == "/shop/account/sessions"
    ada.submit("Sign out").submit("Sign in", email="ada@example.test", password=PASSWORD)
    assert ada.path == "/shop/account/"
    assert ada.open("/shop/account/nothing").follow("To the start").path == "/shop/account/"


def test_page_that_is_refused_below_a_path_of_the_host_may_be_tried_again(shop: Flask):
    headers = {"Cookie": "refreshToken=one; refreshToken=another"}
    client = shop.test_client(use_cookies=False)

    answer = client.get("/account/sessions", base_url=f"{ORIGIN}/shop", headers=headers)

    assert answer.status_code == 422
    assert 'href="/shop/account/sessions"' in answer.text


@pytest.mark.parametrize("home", ["/basket", "/"])
def test_sign_in_leads_to_the_home_that_is_set(app_for: AppFor, home: str):
    browser = Browser(app_for(pages_home=home)).open("/account/sign-up")

    assert browser.submit("Create account", email="ada@example.test", password=PASSWORD).path == home


def test_path_that_the_shop_has_already_stops_the_start(settings_for: SettingsFor):
    app = Flask("shop")
    app.add_url_rule("/account/sign-in", "own", lambda: "mine")

    with pytest.raises(ConfigurationError, match=r"own and pages\.signing_in\.sign_in both answer"):
        mount_on(app, settings_for())


def test_shops_own_forms_pass_double_submit(empty_database: None, settings_for: SettingsFor):
    app = Flask("shop")

    @app.route("/order", methods=["GET", "POST"])
    @signed_in
    def order():
        if request.method == "POST":
            return f"Ordered: {request.form['what']}"
        return render_template_string(
            "<form method=post action=/order><input name=csrf_token value='{{ value }}'>"
            "<input name=what><button>Order</button></form>",
            value=csrf_token(),
        )

    mount_on(app, settings_for(csrf_double_submit="true"))
    browser = sign_up(Browser(app)).open("/order")

    assert browser.submit("Order", what="tea").answer.text == "Ordered: tea"
    assert browser.send("/order", {"what": "tea"}).answer.status_code == 403
    with app.app_context():
        db.engine.dispose()


def test_shop_keeps_a_database_of_its_own(empty_database: None, settings_for: SettingsFor, tmp_path: Path):
    app = Flask("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = own = f"sqlite:///{tmp_path / 'shop.sqlite3'}"
    shelf = SQLAlchemy(app)
    settings = settings_for()
    mount_on(app, settings)

    assert sign_up(Browser(app)).open("/account/").answer.status_code == 200

    with app.app_context():
        assert shelf.session.execute(text("SELECT COUNT(*) FROM sqlite_master")).scalar() == 0
        shelf.engine.dispose()
    assert app.config["SQLALCHEMY_DATABASE_URI"] == own
    runtime_of(app).engine.database._engine.dispose()  # noqa: SLF001 - nobody else would close it


@pytest.mark.parametrize("path", ["keyturn.sqlite3", "file:keyturn.sqlite3?uri=true"])
def test_shop_with_a_database_of_its_own_names_the_whole_path_of_ours(settings_for: SettingsFor, path: str):
    app = Flask("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    SQLAlchemy(app)

    with pytest.raises(ConfigurationError, match="KEYTURN_DATABASE_URL: is relative"):
        mount_on(app, settings_for(database_url=f"sqlite:///{path}"))
