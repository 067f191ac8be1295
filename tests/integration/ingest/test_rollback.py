"""Versions that people move: approval, rollback and back, repairs. On real stores."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from dev.servers.openai_server import Endpoint
from ragwright_core.contract import AFTER_COMMIT_SECONDS
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_ingest.commands.swap import swap
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai, states, tables
from tests.integration.ingest.test_cache import answer_key
from tests.integration.ingest.test_gates import QUESTION, REFUNDS, asking
from tests.integration.ingest.test_workers import KilledError, kill_after
from tests.kit.waiting import until


@pytest.fixture
def kept(pipeline: Pipeline) -> Pipeline:
    """Version 2 is live, version 1 is kept."""
    pipeline.write(a="old text")
    pipeline.build("r1")
    pipeline.write(a="new text")
    pipeline.build("r2")
    return pipeline


def texts(pipeline: Pipeline) -> list[str]:
    return [text for (text,) in pipeline.rows("SELECT text FROM chunks")]


def test_back_and_forth(kept: Pipeline) -> None:
    back = kept.swap(1)
    assert (back.outcome, back.number, back.previous) == ("swapped", 1, 2)
    assert back.swap is not None
    assert texts(kept) == ["old text"]
    assert states(kept) == {1: "live", 2: "kept"}
    forth = kept.swap(2)
    assert (forth.number, forth.previous) == (2, 1)
    assert texts(kept) == ["new text"]
    assert kept.value("SELECT term FROM live") == 4
    assert kept.waits == [1.5] * 4


def test_a_swap_to_what_is_live_changes_nothing(kept: Pipeline) -> None:
    report = kept.swap(2)
    assert (report.outcome, report.swap) == ("swapped", None)
    assert kept.value("SELECT term FROM live") == 2


@pytest.mark.parametrize("number", [3, 9])
def test_a_version_that_is_gone_names_those_that_are_there(kept: Pipeline, number: int) -> None:
    with pytest.raises(ProblemError, match=r"no version \d to swap in; those that are there: 1, 2"):
        kept.swap(number)


def test_lost_tables_make_a_version_gone_and_the_other_is_swapped_in(kept: Pipeline) -> None:
    with kept.connect() as connection:
        connection.execute("DROP TABLE chunks_v2 CASCADE")
    with pytest.raises(ProblemError) as error:
        kept.swap(2)
    assert error.value.problem.reason is Reason.VERSION_GONE
    report = kept.swap(1)
    assert (report.outcome, report.number) == ("swapped", 1)
    assert texts(kept) == ["old text"]
    assert states(kept) == {1: "live", 2: "dropped"}
    assert tables(kept) == {"documents_v1", "chunks_v1", "lexemes_v1"}, "the rest of it goes too"


def test_after_lost_tables_a_build_starts_and_ends_as_ever(kept: Pipeline) -> None:
    with kept.connect() as connection:
        connection.execute("DROP TABLE chunks_v1, chunks_v2, documents_v1, documents_v2 CASCADE")
    report = kept.build("r3")
    assert (report.outcome, report.number) == ("swapped", 3)
    assert texts(kept) == ["new text"]


def test_a_live_row_changed_by_hand_is_put_right(kept: Pipeline) -> None:
    with kept.connect() as connection:
        connection.execute("UPDATE live SET number = 1")
    assert kept.swap(2).outcome == "swapped"
    assert texts(kept) == ["new text"]
    assert states(kept) == {1: "kept", 2: "live"}


def test_a_pinned_version_is_never_dropped(kept: Pipeline) -> None:
    pinned = kept.having(reindex={"keep": 1, "pin": 1})
    for number in (3, 4, 5):
        pinned.write(a=f"text {number}")
        pinned.build(f"r{number}")
    assert {n for n, state in states(kept).items() if state == "kept"} == {1, 4}


def test_fewer_are_kept_at_once(kept: Pipeline) -> None:
    report = kept.having(reindex={"keep": 0}).swap(None)
    assert report.outcome == "dropped"
    assert tables(kept) == {"documents_v2", "chunks_v2", "lexemes_v2"}
    assert texts(kept) == ["new text"]


def test_manual_approval_stops_at_ready(kept: Pipeline) -> None:
    manual = kept.having(reindex={"approval": "Manual"})
    manual.write(a="newest text")
    report, again = manual.build("r3"), manual.index("r3")
    for told in (report, again):
        assert (told.outcome, told.number, told.swap) == ("ready", 3, None)
        assert [item.gate for item in told.verdicts][-1] == "minRecall"
    assert texts(kept) == ["new text"]
    assert states(kept) == {1: "kept", 2: "live", 3: "ready"}
    assert manual.swap(3).outcome == "swapped"
    assert texts(kept) == ["newest text"]


def test_golden_questions_whose_first_source_moves_are_listed(pipeline: Pipeline) -> None:
    pipeline.write(**REFUNDS)
    pipeline.build("r1")
    manual = asking(pipeline, "c.md", approval="Manual")
    manual.write(c="How long does a refund take? A week.")
    report = manual.build("r2")
    assert report.outcome == "ready"
    assert report.moved == [f"{QUESTION}: a.md -> c.md"]


def test_an_override_lets_just_the_named_gate_pass(kept: Pipeline) -> None:
    kept.write(a="# Two\n\nchunks " * 20)
    kept.build("r3")
    kept.write(a="# One")
    failed = kept.build("r4")
    assert failed.outcome == "failed"
    number = failed.number
    assert number is not None
    for override in ((), ("maxFailedDocuments",)):
        refused = kept.swap(number, *override)
        assert refused.problem is not None
        assert refused.problem.reason is Reason.GATE_FAILED
        assert texts(kept) != ["# One"]
    report = kept.swap(number, "maxShrink")
    assert report.outcome == "swapped"
    assert texts(kept) == ["# One"]
    assert [item.gate for item in report.verdicts if not item.ok] == ["maxShrink"]
    assert kept.value(f"SELECT count(*) FROM pg_indexes WHERE indexname = 'chunks_v{number}_ann'")


def test_the_version_that_answers_is_never_dropped_wherever_its_row_stands(kept: Pipeline) -> None:
    with kept.connect() as connection:
        connection.execute("UPDATE live SET number = 1")
    kept.having(reindex={"keep": 0}).swap(None)
    assert texts(kept) == ["old text"]


def test_a_version_that_failed_a_gate_outlives_a_rollback(kept: Pipeline) -> None:
    kept.write(a="# Two\n\nchunks " * 20)
    kept.build("r3")
    kept.write(a="# One")
    failed = kept.build("r4")
    kept.swap(2)
    assert failed.number is not None
    assert kept.swap(failed.number, "maxShrink").outcome == "swapped"
    assert texts(kept) == ["# One"]


def test_after_a_rollback_the_good_version_is_kept_and_not_the_newest(kept: Pipeline) -> None:
    kept.swap(1)
    kept.write(a="newest text")
    report = kept.build("r3")
    assert (report.number, report.previous) == (3, 1)
    assert states(kept) == {1: "kept", 2: "dropped", 3: "live"}


def test_no_gate_can_be_overridden_that_did_not_fail(kept: Pipeline) -> None:
    kept.write(a="third text")
    kept.having(reindex={"approval": "Manual"}).build("r3")
    with kept.connect() as connection:
        connection.execute("UPDATE index_version SET state = 'failed' WHERE number = 3")
    report = kept.swap(3, "maxShrink")
    assert report.problem is not None
    assert report.problem.reason is Reason.SUPERSEDED
    assert texts(kept) == ["new text"]


def test_across_a_change_of_dimensions_and_back(pipeline: Pipeline, endpoint: Endpoint) -> None:
    pipeline.write(**REFUNDS)
    pipeline.build("r1")
    other = openai(pipeline, endpoint, dimensions=256)
    other.build("r2")
    for number, dimensions in ((1, 64), (2, 256), (1, 64)):
        assert other.swap(number).outcome == "swapped"
        found = pipeline.value("SELECT DISTINCT vector_dims(embedding) FROM chunks")
        assert found == dimensions


@pytest.mark.parametrize("step", ["joined", "swapped", "purged"])
def test_a_swap_killed_after_any_step_is_run_again(kept: Pipeline, step: str) -> None:
    around = replace(kept.around, after_step=kill_after(step))
    with pytest.raises(KilledError):
        swap(kept.swap_order(1), around)
    report = kept.swap(1)
    assert (report.outcome, report.number, report.previous) == ("swapped", 1, 2)
    assert kept.value("SELECT term FROM live") == 3
    assert states(kept) == {1: "live", 2: "kept"}


@pytest.mark.parametrize("is_second_run", [False, True])
def test_a_swap_is_reported_when_no_process_believes_in_the_version_before(
    kept: Pipeline,
    redis_client: redis.Redis,
    is_second_run: bool,
) -> None:
    """Until its lease ends, a process may answer from the version before, and store that."""
    before = str(kept.value("SELECT id FROM index_version WHERE number = 2"))
    waited = []

    def wait(seconds: float) -> None:
        waited.append((seconds, kept.value("SELECT number FROM live")))
        redis_client.set(answer_key(kept, before, 1), "answer")

    if is_second_run:
        with pytest.raises(KilledError):
            swap(kept.swap_order(1), replace(kept.around, after_step=kill_after("swapped")))
    report = swap(kept.swap_order(1), replace(kept.around, wait=wait))

    assert report.outcome == "swapped"
    assert waited == [(AFTER_COMMIT_SECONDS, 1)]
    assert redis_client.keys() == []


@pytest.mark.row(14, "a Job stalls in mid-swap and wakes after a rollback")
def test_a_stalled_swap_job_that_wakes_after_a_rollback_changes_nothing(
    kept: Pipeline, tmp_path: Path
) -> None:
    """The real program of a build is stopped before its COMMIT, and goes on after a rollback."""
    kept.write(a="newest text")
    kept.load("r3")
    stalled = kept.start("index", "r3", tmp_path / "report")
    try:
        with kept.connect() as holder, holder.transaction():
            holder.execute("SELECT 1 FROM live FOR UPDATE")
            _until_waiting(kept, stalled)
            stalled.send_signal(signal.SIGSTOP)
        # Whether it got the row before it stopped or not: the server ends what idles over it.
        kept.swap(1)
        before = kept.rows("SELECT number, term FROM live")
        stalled.send_signal(signal.SIGCONT)
        assert stalled.wait(timeout=30) == 42
    finally:
        stalled.kill()
        stalled.wait()
    assert kept.rows("SELECT number, term FROM live") == before
    assert texts(kept) == ["old text"]
    assert '"StaleTerm"' in (tmp_path / "report").read_text()


@pytest.mark.row(14, "a swap Job that was planned in an older world begins late")
def test_a_swap_that_begins_late_swaps_only_in_the_world_that_it_was_planned_for(
    kept: Pipeline,
) -> None:
    """The Job waited for a node; meanwhile a person rolled back, and forth again."""
    planned = kept.swap_order(1, term=2)
    kept.swap(1)
    kept.swap(2)
    before = kept.rows("SELECT number, term FROM live")

    report = swap(planned, kept.around)

    assert report.problem is not None
    assert report.problem.reason is Reason.STALE_TERM
    assert kept.rows("SELECT number, term FROM live") == before
    assert texts(kept) == ["new text"]
    assert swap(kept.swap_order(1, term=4), kept.around).outcome == "swapped"
    assert swap(kept.swap_order(1, term=4), kept.around).outcome == "swapped"  # run again
    assert kept.value("SELECT term FROM live") == 5


def _until_waiting(pipeline: Pipeline, process: subprocess.Popen[Any]) -> None:

    def waits() -> bool:
        assert process.poll() is None
        return bool(
            pipeline.value(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND query LIKE '%UPDATE live SET number%'"
            )
        )

    until(waits, "the swap waits for the live row")
