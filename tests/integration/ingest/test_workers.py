"""Workers that share a build: real processes, some of them killed."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dev.servers.git_server import GitServer
from dev.servers.openai_server import Endpoint
from ragwright_core.report import Report
from ragwright_ingest.commands.index import index
from ragwright_ingest.commands.load import load
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai
from tests.kit.waiting import until

DOCUMENTS = 60


@pytest.fixture
def pipeline_of_git(pipeline: Pipeline, git: GitServer) -> Pipeline:
    """Sixty documents of about eight chunks, in folders of a git repository."""
    sentences = "\n\n".join(
        f"Sentence {n} of %s, which says something of its own." for n in range(12)
    )
    git.commit(
        {
            f"docs/{n % 7}/page{n}.md": (
                f"# Page {n}\n\n" + sentences.replace("%s", str(n))
            ).encode()
            for n in range(DOCUMENTS)
        }
    )
    return pipeline.having(sources=[{"name": "docs", "git": {"url": git.url, "path": "docs"}}])


def finish(process: subprocess.Popen[bytes], report: Path) -> Report:
    assert process.wait(timeout=60) == 0, report.read_text()
    return Report.model_validate(json.loads(report.read_text()))


def assert_each_document_once(pipeline: Pipeline) -> None:
    documents = pipeline.rows("SELECT id, state, chunks FROM documents_v1 ORDER BY id")
    chunks = dict(pipeline.rows("SELECT document, count(*) FROM chunks_v1 GROUP BY document"))
    distinct = pipeline.value("SELECT count(DISTINCT (document, position)) FROM chunks_v1")

    assert len(documents) == DOCUMENTS
    assert {state for _, state, _ in documents} == {"done"}
    assert {number: count for number, _, count in documents} == chunks
    assert distinct == sum(chunks.values())


@pytest.mark.parametrize("workers", [2, 4])
def test_each_document_is_loaded_once(
    pipeline_of_git: Pipeline, tmp_path: Path, workers: int
) -> None:
    files = [tmp_path / f"report{n}" for n in range(workers)]
    processes = [pipeline_of_git.start("load", "r1", file) for file in files]

    reports = [finish(*pair) for pair in zip(processes, files, strict=True)]

    assert_each_document_once(pipeline_of_git)
    assert {report.outcome for report in reports} == {"loaded"}
    assert {report.number for report in reports} == {1}
    assert reports[0].counts.chunks == pipeline_of_git.value("SELECT count(*) FROM chunks_v1")
    assert reports[0].counts == reports[-1].counts
    done = finish(pipeline_of_git.start("index", "r1", tmp_path / "index"), tmp_path / "index")
    assert done.outcome == "swapped"


@pytest.mark.row(15, "a worker SIGKILLed in mid-batch")
def test_a_worker_killed_in_mid_batch_loses_nothing(
    pipeline_of_git: Pipeline, endpoint: Endpoint, tmp_path: Path
) -> None:
    pipeline = openai(pipeline_of_git, endpoint)
    with endpoint.told.gate:
        doomed = pipeline.start("load", "r1", tmp_path / "doomed")
        until(lambda: endpoint.told.came, "the worker embeds its first batch")
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()

    report = pipeline.load("r1")

    assert report.outcome == "loaded"
    assert_each_document_once(pipeline)


def test_a_worker_waits_for_another_that_holds_the_last_documents(
    pipeline_of_git: Pipeline, endpoint: Endpoint
) -> None:
    """It ends well only when every document is done, and takes over what comes free."""
    pipeline = openai(pipeline_of_git, endpoint)
    pipeline.load("r0")
    with pipeline.connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute("UPDATE documents_v1 SET state = 'pending' WHERE id = 1")
        other.execute("DELETE FROM chunks_v1 WHERE document = 1")
        other.autocommit = False
        other.execute("SELECT 1 FROM documents_v1 WHERE id = 1 FOR UPDATE")
        second = pool.submit(pipeline.load, "r0")
        until(lambda: _asks_for_pending(pipeline), "the second worker waits")
        assert not second.done()
        other.rollback()

        assert second.result(timeout=20).outcome == "loaded"

    assert_each_document_once(pipeline)


def _asks_for_pending(pipeline: Pipeline) -> bool:
    return bool(
        pipeline.value(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query LIKE %s",
            ['SELECT count(*) FROM "documents_v1" WHERE state%'],
        )
    )


def test_eight_at_once_begin_one_version(pipeline: Pipeline) -> None:
    pipeline.write(**{f"d{n}": f"# Document {n}" for n in range(20)})
    barrier = threading.Barrier(8)
    around = [pipeline.around for _ in range(8)]

    def work(number: int) -> Report:
        barrier.wait()
        return load(pipeline.order("r1"), around[number])

    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(work, range(8)))

    assert {report.number for report in reports} == {1}
    assert pipeline.rows("SELECT number, documents FROM index_version") == [(1, 20)]
    assert pipeline.value("SELECT count(*) FROM documents_v1 WHERE state = 'done'") == 20
    assert pipeline.value("SELECT count(*) FROM chunks_v1") == 20


class KilledError(Exception):
    pass


def kill_after(step: str, times: int = 1) -> Callable[[str], None]:
    left = [times]

    def after_step(done: str) -> None:
        if done == step:
            left[0] -= 1
            if left[0] == 0:
                raise KilledError

    return after_step


@pytest.mark.parametrize(
    "step", ["listed", "batch", "indexed", "ready", "joined", "swapped", "purged"]
)
def test_a_job_killed_after_any_step_is_run_again(pipeline: Pipeline, step: str) -> None:
    """The end is the one of a run that nobody killed; no version is built or swapped twice."""
    pipeline.write(a="old text")
    pipeline.build("r1")
    pipeline.write(a="new text")
    order = pipeline.order("r2")

    def build() -> None:
        load(order, replace(pipeline.around, after_step=kill_after(step)))
        index(order, replace(pipeline.around, after_step=kill_after(step)))

    with pytest.raises(KilledError):
        build()
    loaded = pipeline.load("r2")
    report = pipeline.index("r2")

    assert loaded.outcome == "loaded"
    assert report.outcome == "swapped"
    assert (report.number, report.previous, report.counts.chunks) == (2, 1, 1)
    assert report.changes.changed == 1
    assert pipeline.waits[-1] == 1.5
    assert pipeline.rows("SELECT text FROM chunks") == [("new text",)]
    assert pipeline.rows("SELECT number, term FROM live") == [(2, 2)]
    assert pipeline.rows("SELECT number, state FROM index_version ORDER BY 1") == [
        (1, "kept"),
        (2, "live"),
    ]


@pytest.mark.row(12, "Postgres ends every connection during the load")
def test_a_lost_connection_at_any_batch_is_an_error_that_a_rerun_mends(pipeline: Pipeline) -> None:
    pipeline.write(**{f"d{n}": "Words. " * 2000 for n in range(4)})

    def cut(done: str) -> None:
        if done == "batch":
            with pipeline.connect() as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )

    with pytest.raises(psycopg.OperationalError):
        load(pipeline.order("r1"), replace(pipeline.around, after_step=cut))
    done_before: Any = pipeline.value("SELECT count(*) FROM documents_v1 WHERE state = 'done'")
    report = pipeline.build("r1")

    assert 0 < done_before < 4
    assert report.outcome == "swapped"
    assert report.counts.chunks == pipeline.value("SELECT count(*) FROM chunks")
