"""A tab that slept through a logout believes the logout, and not the tokens that it hears of first."""

import json

import pytest

from tests.browser.tab import Application, Person, Tab

# Until `wake` is called, what other tabs say waits, as it does for a tab that the browser has frozen.
SLEEP = """(() => {
  const [listen, waiting] = [BroadcastChannel.prototype.addEventListener, []];
  let isAsleep = false;
  globalThis.sleep = () => { isAsleep = true; };
  globalThis.wake = () => { isAsleep = false; for (const hear of waiting.splice(0)) hear(); };
  globalThis.waiting = () => waiting.length;
  BroadcastChannel.prototype.addEventListener = function (type, listener) {
    listen.call(this, type, (event) => isAsleep ? waiting.push(() => listener(event)) : listener(event));
  };
})()"""


@pytest.fixture
def sleeper(application: Application, person: Person) -> Tab:
    """Another tab of the same person, which has fallen asleep."""
    application.context.add_init_script(SLEEP)
    sleeper = application.tab()
    assert sleeper.run("keyturn.check()") is True
    sleeper.run("sleep()")
    return sleeper


def test_tab_that_slept_through_a_logout_brings_no_token_back(
    application: Application, tab: Tab, sleeper: Tab
) -> None:
    tab.wait_until_expired()
    assert tab.fetch() == 200
    tab.run("keyturn.logout()")
    wake(sleeper, waiting=2)
    assert tab.run("localStorage.length") == sleeper.run("localStorage.length") == 0
    before = application.refreshes
    assert sleeper.fetch() == 401
    assert application.refreshes == before
    for each in (tab, sleeper):
        assert each.heard("signedout") == [["signedout", "logout"]]


def test_end_that_two_tabs_notice_is_reported_once_in_each(tab: Tab, sleeper: Tab) -> None:
    """A call finds the session over before the tab has heard of the logout."""
    tab.run("keyturn.logout()")
    sleeper.page.wait_for_function("localStorage.length === 0")
    assert sleeper.fetch() == 401
    noticed = sleeper.heard("signedout")
    assert len(noticed) == 1
    wake(sleeper, waiting=1)
    tab.page.wait_for_timeout(300)
    assert tab.heard("signedout") == [["signedout", "logout"]]
    assert sleeper.heard("signedout") == noticed


def test_tab_that_slept_through_a_logout_and_a_login_goes_on(tab: Tab, sleeper: Tab, person: Person) -> None:
    tab.run("keyturn.logout()")
    tab.run(f"keyturn.login({person.credentials})")
    wake(sleeper, waiting=2)
    for each in (tab, sleeper):
        assert each.signed_in() is True
        assert each.fetch() == 200


@pytest.mark.parametrize("mode", ["header"])
def test_token_that_is_heard_of_before_it_is_seen_is_good_until_the_storage_is_emptied(
    tab: Tab, sleeper: Tab, person: Person
) -> None:
    tab.run(f"keyturn.login({person.credentials})")
    stored = tab.run("({ ...localStorage })")
    tab.run("localStorage.clear()")
    wake(sleeper, waiting=1)
    assert sleeper.fetch() == 200
    sleeper.run("addEventListener('storage', ({ newValue }) => { globalThis.isSeen = newValue !== null })")
    tab.run(f"Object.assign(localStorage, {json.dumps(stored)})")
    sleeper.page.wait_for_function("globalThis.isSeen")
    sleeper.run("localStorage.clear()")
    assert sleeper.fetch() == 401
    assert sleeper.signed_in() is False


def wake(sleeper: Tab, waiting: int) -> None:
    """Let a tab hear what it has missed, once all of that has arrived."""
    sleeper.page.wait_for_function(f"() => waiting() === {waiting}")
    sleeper.run("wake()")
