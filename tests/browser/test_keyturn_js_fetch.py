"""`keyturn.fetch` does as the global one with what it is given."""

import pytest

from tests.browser.tab import Person, Tab, lasting

ME = "**/auth/me"


@lasting
@pytest.mark.parametrize(
    ("init", "referrer"),
    [("{ referrerPolicy: 'no-referrer' }", None), ("{ referrer: '/elsewhere' }", "/elsewhere")],
)
def test_call_goes_out_with_the_referrer_that_it_names(
    tab: Tab, person: Person, init: str, referrer: str | None
) -> None:
    with tab.page.expect_request(ME) as asked:
        assert tab.fetch("/auth/me", init) == 200
    assert asked.value.all_headers().get("referer") == (referrer and tab.site.url + referrer)
