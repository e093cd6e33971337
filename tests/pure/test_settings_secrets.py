"""Secrets stay hidden, and development's own key is one key for all workers."""

from __future__ import annotations

import multiprocessing
import os
import stat
import traceback
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import ConfigurationError, Secret, load_settings, resolve_settings, settings_from_environment
from config.development_key import development_key
from config.table import ALL
from tests.pure.test_settings import CONTRACTS, INSTANCE, KEY, OLDER_KEY, settings

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = [setting.name for setting in ALL if setting.kind.private]
HIDDEN = st.text("abcdefXYZ23456789!$%&*", min_size=12, max_size=40)


def report(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        resolve_settings(environ, CONTRACTS, INSTANCE)
    return "".join(traceback.format_exception(caught.value, chain=True))


@given(
    name=st.sampled_from(PRIVATE),
    form=st.sampled_from(
        [
            "{}",
            "ftp://me:{}@host/x",
            "postgres://me:{}@host/x",
            "redis://me:{}@host:99999/1",
            "redis+sentinel://me:{}@host:99999/1",
        ]
    ),
    hidden=HIDDEN,
)
def test_no_problem_repeats_a_private_value(name: str, form: str, hidden: str) -> None:
    text = form.format(hidden)
    # An unknown contract makes sure of a report even where the text happens to be acceptable.
    environ = {"KEYTURN_SECRET_KEY": KEY, "KEYTURN_CONTRACTS": "unknown", name: text}

    assert hidden not in report(environ)


@given(hidden=HIDDEN)
def test_no_problem_repeats_the_value_of_an_unknown_name(hidden: str) -> None:
    assert hidden not in report({"KEYTURN_SECRET_KEI": hidden})


def test_settings_can_be_printed_without_showing_a_secret() -> None:
    printed = repr(
        settings(
            SECRET_KEY_FALLBACKS=OLDER_KEY,
            DATABASE_URL="postgresql+psycopg://me:hidden-one@host/d",
            REDIS_URL="redis://:hidden-two@host",
            MAIL_URL="smtp://me:hidden-three@host",
            SMS_URL="https://me:hidden-four@host",
        )
    )

    assert KEY not in printed
    assert OLDER_KEY not in printed
    assert "hidden" not in printed


def test_a_secret_is_shown_by_reveal_alone() -> None:
    secret = Secret("päss")

    assert secret.reveal() == "päss"
    assert "päss" not in f"{secret} {secret!r} {secret!s} {[secret]}"
    assert secret == Secret("päss")
    assert secret != Secret("pass")
    assert secret != "päss"
    assert len({secret, Secret("päss")}) == 1


def test_development_keeps_one_private_key(tmp_path: Path) -> None:
    instance = tmp_path / "instance"

    first = load_settings({"KEYTURN_ENV": "development"}, CONTRACTS, instance)
    second = load_settings({"KEYTURN_ENV": "development"}, CONTRACTS, instance)

    assert first.keys.secret_key == second.keys.secret_key
    assert stat.S_IMODE((instance / "secret_key").stat().st_mode) == 0o600
    assert list(instance.iterdir()) == [instance / "secret_key"]


def test_settings_of_this_process_come_from_its_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("KEYTURN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KEYTURN_SECRET_KEY", KEY)

    assert settings_from_environment(CONTRACTS, tmp_path).keys.secret_key == Secret(KEY)


def test_a_key_that_is_set_makes_no_file(tmp_path: Path) -> None:
    load_settings({"KEYTURN_ENV": "development", "KEYTURN_SECRET_KEY": KEY}, CONTRACTS, tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_key_file_that_cannot_be_used_is_reported_with_its_place(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"none could be kept in .*secret_key"):
        load_settings({"KEYTURN_ENV": "development"}, CONTRACTS, tmp_path)


def test_an_instance_folder_that_cannot_be_made_is_reported_with_other_problems(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environ = {"KEYTURN_ENV": "development", "KEYTURN_JWT_ALGORITHM": "none"}

    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, CONTRACTS, tmp_path / "file" / "instance")

    assert [problem.name for problem in caught.value.problems] == [
        "KEYTURN_SECRET_KEY",
        "KEYTURN_JWT_ALGORITHM",
    ]


def test_threads_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as workers:
        for attempt in range(20):
            path = tmp_path / str(attempt) / "secret_key"
            keys = set(workers.map(development_key, [path] * 16))
            assert keys == {path.read_text("utf-8")}


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    path = tmp_path / "instance" / "secret_key"
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as workers:
        keys = set(workers.map(development_key, [path] * 8))

    assert keys == {path.read_text("utf-8")}
    assert list(path.parent.iterdir()) == [path]
