"""A database that is full, read-only or crowded; old readers; Jobs that are killed. Real ones."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from dev.servers.git_server import GitServer
from ragwright_core.contract import ORDER_FILE_ENV
from ragwright_core.orders import Order
from ragwright_core.report import Problem, Reason, Report
from ragwright_ingest.commands.index import index
from ragwright_ingest.failures import problem_of
from ragwright_ingest.main import run
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import states
from tests.integration.ingest.test_gates import role_with, write_words
from tests.integration.ingest.test_rollback import texts

ROOT = Path(__file__).parents[3]


@pytest.fixture
def built(pipeline: Pipeline) -> Pipeline:
    """Version 1 is live, and its documents have changed."""
    pipeline.write(a="old text")
    pipeline.build("r1")
    pipeline.write(a="new text")
    return pipeline


@pytest.fixture
def served(pipeline: Pipeline, git: GitServer) -> Pipeline:
    """The same from a git repository, which Jobs in processes of their own can read."""
    git.commit({"a.md": b"old text"})
    pipeline = pipeline.having(sources=[{"name": "docs", "git": {"url": git.url}}])
    assert pipeline.build("r1").outcome == "swapped"
    git.commit({"a.md": b"new text"})
    return pipeline


def environment(pipeline: Pipeline, order: Order) -> dict[str, str]:
    return {
        ORDER_FILE_ENV: str(pipeline.write_order(order)),
        "VECTOR_DB_URL": pipeline.stores.database_url,
        "REDIS_URL": pipeline.stores.redis_url or "",
    }


def reported(pipeline: Pipeline, step: str, request: str) -> Problem:
    """What the program reports when it is run against the pipeline's database."""
    report = run(step, environment(pipeline, pipeline.order(request)))
    assert report.problem is not None, report
    return report.problem


@pytest.mark.row(13, "Postgres read-only")
def test_a_read_only_database_is_told_in_words(built: Pipeline) -> None:
    with role_with(built, "default_transaction_read_only", "on") as read_only:
        told = reported(read_only, "load", "r2")
    assert told.reason is Reason.DATABASE_UNAVAILABLE
    assert "it takes no writes: it is a standby, or set read-only" in told.message
    assert texts(built) == ["old text"]
    assert built.build("r2").outcome == "swapped"


@pytest.mark.row(13, "Postgres has no connection left")
def test_a_crowded_database_is_told_in_words(built: Pipeline) -> None:
    with psycopg.connect(built.stores.database_url, autocommit=True) as admin:
        name = f"crowded_{built.identity.name}"
        role = sql.Identifier(name)
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 0").format(role))
        url = psycopg.conninfo.make_conninfo(built.stores.database_url, user=name)
        crowded = replace(built, stores=Stores(url, built.stores.redis_url))
        told = reported(crowded, "load", "r2")
        admin.execute(sql.SQL("DROP ROLE {}").format(role))
    assert told.reason is Reason.DATABASE_UNAVAILABLE
    assert "no connection left" in told.message
    assert texts(built) == ["old text"]


@contextmanager
def small_disk(pipeline: Pipeline, folder: Path) -> Iterator[Pipeline]:
    """The pipeline as a role whose new tables stand on a file system of 12 MiB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=True)
    name = f"small_{pipeline.identity.name}"
    try:
        with psycopg.connect(pipeline.stores.database_url, autocommit=True) as admin:
            [data] = admin.execute("SHOW data_directory").fetchone() or [""]
            shutil.chown(folder, Path(data).owner(), Path(data).group())
            admin.execute(
                sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(
                    sql.Identifier(name), sql.Literal(str(folder))
                )
            )
            with role_with(pipeline, "default_tablespace", name) as small:
                yield small
            admin.execute(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(name)))
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.row(13, "Postgres' disk full")
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: a small file system is mounted as root")
def test_a_full_disk_is_told_in_words(built: Pipeline) -> None:
    built = built.having(embedding={"dimensions": 256})
    write_words(built, 12_000)
    with tempfile.TemporaryDirectory() as disk, small_disk(built, Path(disk)) as small:
        with pytest.raises(psycopg.errors.DiskFull) as full:
            small.load("r2")
        told = problem_of(full.value)
        assert told.reason is Reason.DATABASE_UNAVAILABLE
        assert "the database lacks resources" in told.message
        assert texts(built) == ["old text"]
        shutil.rmtree(built.documents)
        built.documents.mkdir()
        built.write(a="new text")
        assert built.build("r3").outcome == "swapped"
    assert texts(built) == ["new text"]


@pytest.mark.row(14, "a REPEATABLE READ reader across the swap")
def test_an_old_snapshot_sees_the_whole_old_version(built: Pipeline) -> None:
    """It reads by the stable names before the index step begins, and holds nobody up."""
    none_kept = built.having(reindex={"keep": 0})
    none_kept.load("r2")
    with built.connect() as reader:
        seen: list[list[tuple[object, ...]]] = []

        def read(step: str) -> None:
            if step in ("indexed", "swapped"):
                seen.append(reader.execute("SELECT path, text FROM chunks").fetchall())

        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        read("indexed")
        report = index(none_kept.order("r2"), replace(built.around, after_step=read))
        assert report.outcome == "swapped"
        assert report.swap is not None
        assert report.swap.milliseconds < 1000
        assert report.warnings == ["a reader holds version 1: dropped after the next swap"]
        assert seen == [[("a.md", "old text")]] * 3
        reader.execute("COMMIT")
        assert reader.execute("SELECT text FROM chunks").fetchall() == [("new text",)]
    none_kept.swap(None)
    assert states(built) == {1: "dropped", 2: "live"}


STEPS = [
    *(("load", step) for step in ("listed", "batch")),
    *(("index", step) for step in ("indexed", "ready", "joined", "swapped", "purged")),
    *(("swap", step) for step in ("joined", "swapped", "purged")),
]


@pytest.mark.row(15, "each Job SIGKILLed after each of its steps")
@pytest.mark.parametrize(("job", "step"), STEPS)
def test_a_job_that_is_killed_is_run_again(
    served: Pipeline, tmp_path: Path, job: str, step: str
) -> None:
    """The real program; the end is the one of a run that nobody killed."""
    if job != "load":
        served.load("r2")
    if job == "swap":
        served.index("r2")
    order = served.swap_order(1) if job == "swap" else served.order("r2")
    killed = subprocess.run(
        [sys.executable, "-m", "tests.kit.killed", job, step],
        env={**os.environ, **environment(served, order)},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    if job == "swap":
        report = served.swap(1)
    else:
        for after in ("load", "index")[("load", "index").index(job) :]:
            report = finished(served, after, tmp_path)
    live, wanted, term = (1, "old text", 3) if job == "swap" else (2, "new text", 2)
    assert (report.outcome, report.number) == ("swapped", live)
    assert texts(served) == [wanted]
    assert served.rows("SELECT number, term FROM live") == [(live, term)]
    assert states(served) == {live: "live", 3 - live: "kept"}


def finished(pipeline: Pipeline, step: str, folder: Path) -> Report:
    file = folder / f"report-{step}"
    process = pipeline.start(step, "r2", file)
    assert process.wait(timeout=60) == 0, file.read_text()
    return Report.model_validate_json(file.read_text())
