"""Forms with anything in any field: answered by a page or led to one, and never by a failure or nothing."""

from http import HTTPStatus
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import AppFor
from tests.pages.browser import Browser
from tests.pages.conftest import PASSWORD, sign_up
from tests.pages.test_what_goes_wrong import rules

GOOD = {
    "email": "grace@example.test",
    "password": PASSWORD,
    "current_password": PASSWORD,
    "new_password": "another horse battery",
    "name": "Grace",
    "method": "totp",
    "code": "123456",
    "secret": PASSWORD,
    "token": "x",
    "next": "/account/activity",
}
ODD = [
    "",
    " ",
    "\0",
    "a\r\nb: c",
    "%s{0}{{7*7}}%",
    "\u202e\ufeff\uffff\x1b[0m",
    "\U0001f600" * 250,
    "x" * 5_000,
    "A" * 32,
    "１２３４５６",
    "-1",
    "recovery",
    "é@é.test",
    "a@[::1]",
    "//evil.example/\\",
    ["twice", "twice"],
]
FIELDS = {name: st.sampled_from([good] * 8 + ODD) for name, good in GOOD.items()}
ODD_FORMS = st.fixed_dictionaries(
    {}, optional=FIELDS | dict.fromkeys(("trust", "remember"), st.sampled_from(ODD))
)


@pytest.mark.parametrize("sender", ["stranger", "signed in", "second factor due"])
def test_whatever_is_sent_is_answered_by_a_page(app_for: AppFor, sender: str):
    app, numbers = app_for(mfa_required=str(sender == "second factor due").lower()), count()
    paths = rules(app, "POST")
    browser = Browser(app)

    @settings(max_examples=250)
    @given(path=st.sampled_from(paths), form=ODD_FORMS)
    def send(path, form):
        nonlocal browser
        if sender == "stranger":
            browser = Browser(app)
        elif browser.cookie("refreshToken") is None:
            browser = sign_up(Browser(app), f"ada{next(numbers)}@example.test")
        browser.send(path, form)
        assert browser.first.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        assert (browser.first.status_code == HTTPStatus.SEE_OTHER) == ("Location" in browser.first.headers)
        assert browser.answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        assert "</html>" in browser.answer.text

    send()
