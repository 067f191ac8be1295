"""People and repairs move versions while questions are asked: rollback, approval, lost tables."""

from __future__ import annotations

import time

import pytest

from dev.kubectl import until
from ragwright_core.spec import APPROVE_ANNOTATION
from tests.kit.faults.documents import documents
from tests.kit.faults.snapshot import sql
from tests.kit.faults.stage import Seen, Stage
from tests.kit.faults.table import Record

ROLLBACK_SECONDS = 10
REPAIR_SECONDS = 120


@pytest.mark.row(30, "rolled back by a pin, and forth again")
def test_rolled_back_and_forth(stage: Stage, record: Record) -> None:
    with stage.row(record, builds=None) as seen:
        older, newer = two_versions(stage)
        term = seen.term()
        seen.reader.reported = stage.revision - 1
        began = time.monotonic()
        stage.patch(reindex={"pin": older})
        until_live(stage, older)
        until_asked(seen, 50)
        seconds = seen.reader.last_answers[stage.revision] - began
        record.at_most("seconds to the last newer answer", seconds, ROLLBACK_SECONDS)
        assert condition(stage, "Pinned") == "Pinned"
        stage.patch(reindex={"pin": None})
        until_live(stage, newer)
        record.exactly("swaps", seen.term() - term, 2)


@pytest.mark.row(31, "the live version's tables are dropped by hand")
def test_lost_tables(stage: Stage, record: Record) -> None:
    with stage.row(record, builds=None) as seen:
        older, newer = two_versions(stage)
        seen.reader.reported = stage.revision - 1
        seen.reader.excusing = True
        schema = stage.names.schema
        began = time.monotonic()
        for table in ("chunks", "documents"):
            sql(stage.space, stage.names, f'DROP TABLE "{schema}".{table}_v{newer} CASCADE')
        until_live(stage, older)
        until(lambda: excused_no_more(seen), 60, "answers from the version that was kept")
        seconds = time.monotonic() - began
        seen.reader.excusing = False
        record.at_most("seconds to repair", seconds, REPAIR_SECONDS)
        assert stage.history("swapped")[0]["message"].startswith("RestoredFromKept")
        stage.rebuild(stage.revision + 1)


@pytest.mark.row(32, "a version waits for approval, one fails a gate")
def test_approval(stage: Stage, record: Record) -> None:
    with stage.row(record, builds=None) as seen:
        stage.patch(reindex={"approval": "Manual"})
        live = stage.ask_for(stage.revision + 1)
        ready = until_waiting(stage)
        assert (stage.space.state(stage.name).live, ready > live) == (live, True)
        approve(stage, "99")
        stage.space.until_reason(stage.name, "ApprovalMismatch", 60)
        approve(stage, f"{ready}")
        until_live(stage, ready)
        stage.patch(reindex={"approval": "Automatic"})

        seen.reader.reported = stage.revision
        stage.revision += 1
        few = dict(list(documents(stage.revision).items())[:2])
        stage.space.kubectl("-n", stage.space.name, "delete", "configmap", "rules", "--wait=true")
        stage.space.write_rules(few)
        stage.reindex()
        stage.space.until_reason(stage.name, "GateFailed", 120)
        assert stage.space.state(stage.name).live == ready
        failed = until_waiting(stage)
        approve(stage, f"{failed} maxShrink")
        until_live(stage, failed)
        stage.space("annotate", "rag", stage.name, f"{APPROVE_ANNOTATION}-")
        stage.rebuild(stage.revision + 1)
        stage.rebuild(stage.revision + 1)


def two_versions(stage: Stage) -> tuple[int, int]:
    """Numbers of the kept and of the live version: of the revision before, and of the last."""
    for _ in range(2):
        stage.rebuild(stage.revision + 1)
    index = stage.space.state(stage.name).status["index"]
    return int(index["previous"]["number"]), int(index["live"]["number"])


def until_live(stage: Stage, number: int) -> None:
    stage.space.until(
        stage.name, lambda at: at.live == number and at.ready, f"version {number}", 120
    )


def until_waiting(stage: Stage) -> int:
    at = stage.space.until(
        stage.name, lambda at: "waiting" in at.status.get("index", {}), "a version that waits", 120
    )
    return int(at.status["index"]["waiting"]["number"])


def until_asked(seen: Seen, more: int) -> None:
    enough = seen.reader.asked + more
    until(lambda: seen.reader.asked >= enough, 20, f"{more} more questions", pause=0.1)


def excused_no_more(seen: Seen) -> bool:
    """No question failed among the last ones."""
    before = seen.reader.excused
    until_asked(seen, 50)
    return seen.reader.excused == before


def approve(stage: Stage, value: str) -> None:
    stage.space("annotate", "--overwrite", "rag", stage.name, f"{APPROVE_ANNOTATION}={value}")


def condition(stage: Stage, kind: str) -> str:
    return str(stage.space.condition(stage.name, kind).get("reason"))
