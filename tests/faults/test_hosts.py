"""Two hosts on one database: side by side, upgraded in turn, and given another key in turn."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.balancer import Balancer, balancing
from tests.reliability.clusters import PostgresCluster
from tests.reliability.history import History
from tests.reliability.load import failed_share, failures, keep_under_load
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import ROOT, Server, migrate, running_server

SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE)}
NEW_KEY = "reliability-tests-newer-" + "n" * 32


@contextmanager
def two_hosts(database_url: str, code: Path = ROOT) -> Iterator[list[Server]]:
    with (
        running_server(database_url, SETTINGS, code=code) as one,
        running_server(database_url, SETTINGS, code=code) as other,
    ):
        yield [one, other]


def test_two_hosts_on_one_database_keep_every_promise(
    postgresql: PostgresCluster, figure: Callable[[str], None]
) -> None:
    history = History()
    with two_hosts(postgresql.url()) as hosts, balancing(hosts) as balancer:
        keep_under_load(balancer.base_url, history, lambda: time.sleep(5))
    held = assert_promises_held(history, postgresql.url(), SHORT_GRACE)
    assert not failures(history)
    figure(f"Two hosts, each request to the other one: {held}; {failed_share(history)}")


@pytest.fixture
def previous_version(tmp_path: Path) -> Path:
    """The checkout of one commit ago."""
    archive = tmp_path / "previous.tar"
    command = ["git", "archive", "--output", str(archive), "HEAD~1"]
    if subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("this checkout has no history to take an older version from")
    code = tmp_path / "previous"
    code.mkdir()
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", code], check=True)
    return code


def test_rolling_upgrade_fails_no_request(
    postgresql: PostgresCluster, previous_version: Path, figure: Callable[[str], None]
) -> None:
    """Migrate under the old code, then replace one host after the other."""
    history = History()
    with two_hosts(postgresql.url(), previous_version) as hosts, balancing(hosts) as balancer:

        def upgrade() -> None:
            migrate(hosts[0].environment)
            for host in hosts:
                balancer.take_out(host)
                host.code = ROOT
                host.restart()
                balancer.put_in(host)
                time.sleep(1)

        keep_under_load(balancer.base_url, history, upgrade)
    held = assert_promises_held(history, postgresql.url(), SHORT_GRACE)
    assert not failures(history)
    figure(f"F31 rolling upgrade of two hosts, migration in the middle: {held}; {failed_share(history)}")


@pytest.mark.parametrize("is_one_killed", [False, True], ids=["undisturbed", "one host killed"])
def test_key_rotation_in_the_documented_order_refuses_nobody(
    *, is_one_killed: bool, postgresql: PostgresCluster, figure: Callable[[str], None]
) -> None:
    """Known to all hosts first, signing then, and the old key goes when nobody holds its tokens any more."""
    history = History()
    with two_hosts(postgresql.url()) as hosts, balancing(hosts) as balancer:
        keep_under_load(
            balancer.base_url, history, lambda: rotate_key(balancer, hosts, is_one_killed=is_one_killed)
        )
    held = assert_promises_held(history, postgresql.url(), SHORT_GRACE)
    # Of a killed host nothing is heard, and that is all.
    assert {failure.status for failure in failures(history)} <= ({None} if is_one_killed else set())
    figure(
        f"F24 secret key rotated on two hosts{', one of them killed,' if is_one_killed else ''} and the old "
        f"one removed: {held}; {failed_share(history)}"
    )


def rotate_key(balancer: Balancer, hosts: list[Server], *, is_one_killed: bool) -> None:
    """Restart the hosts as the runbook says; the second may die when only the first uses the new key."""
    old_key = hosts[0].environment["KEYTURN_SECRET_KEY"]
    balancer.restart_each(hosts, KEYTURN_SECRET_KEY_FALLBACKS=NEW_KEY)
    signing = {"KEYTURN_SECRET_KEY": NEW_KEY, "KEYTURN_SECRET_KEY_FALLBACKS": old_key}
    balancer.restart_each(hosts[:1], **signing)
    if is_one_killed:
        hosts[1].kill_master()
    balancer.restart_each(hosts[1:], **signing)
    # Everybody under load has rotated within this time, which stands for the inactivity timeout.
    time.sleep(3)
    balancer.restart_each(hosts, KEYTURN_SECRET_KEY_FALLBACKS="")
