"""Where a Job finds its stores, and how long it waits for what is mounted late."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_ingest.settings import Stores, read_stores


def test_urls_from_the_environment() -> None:
    stores = read_stores({"VECTOR_DB_URL": "postgresql://a", "REDIS_URL": ""})

    assert stores == Stores("postgresql://a", None)


def test_urls_from_files(tmp_path: Path) -> None:
    (tmp_path / "uri").write_text("postgresql://a\n")
    (tmp_path / "url").write_text("redis://b\n")

    stores = read_stores(
        {"VECTOR_DB_URL_FILE": f"{tmp_path}/uri", "REDIS_URL_FILE": f"{tmp_path}/url"}
    )

    assert stores == Stores("postgresql://a", "redis://b")


def test_a_secret_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            (tmp_path / "uri").write_text("postgresql://a")

    stores = read_stores({"VECTOR_DB_URL_FILE": f"{tmp_path}/uri"}, pause=pause)

    assert stores.database_url == "postgresql://a"
    assert len(pauses) == 3


def test_the_wait_ends_with_the_file_named(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as stopped:
        read_stores({"VECTOR_DB_URL_FILE": f"{tmp_path}/uri"}, patience=0)

    assert stopped.value.problem.reason is Reason.SECRET_MISSING
    assert f"{tmp_path}/uri" in stopped.value.problem.message


def test_a_missing_cache_secret_is_no_reason_to_stop(tmp_path: Path) -> None:
    environment = {"VECTOR_DB_URL": "postgresql://a", "REDIS_URL_FILE": f"{tmp_path}/url"}

    stores = read_stores(environment)
    assert stores.redis_url is None
    assert stores.cache() is None
    [warning] = stores.warnings
    assert warning.startswith(f"the cache was not used: {tmp_path}/url is not there")


def test_a_cache_url_that_is_none_is_a_warning_without_its_text() -> None:
    url = "redis://:hun/ter2@h:6379/0"
    stores = read_stores({"VECTOR_DB_URL": "postgresql://a", "REDIS_URL": url})
    assert stores.redis_url is None
    (warning,) = stores.warnings
    assert warning.startswith("the cache was not used: REDIS_URL holds no URL that can be used")
    assert "percent-encode" in warning
    assert "ter2" not in warning


def test_a_database_url_that_is_none_is_not_waited_for() -> None:
    with pytest.raises(ProblemError) as stopped:
        read_stores({"VECTOR_DB_URL": "u:hunter2@h/d"}, pause=_never)

    assert stopped.value.problem.reason is Reason.DATABASE_UNAVAILABLE
    assert "VECTOR_DB_URL is not a valid postgresql:// URI" in stopped.value.problem.message
    assert "hunter2" not in stopped.value.problem.message


def _never(_: float) -> None:
    raise AssertionError("it does not get better by waiting")


def test_urls_are_never_printed() -> None:
    assert "hunter2" not in repr(Stores("postgresql://u:hunter2@h/d", "redis://:hunter2@h"))
