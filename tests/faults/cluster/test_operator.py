"""Rows 1 to 3: the operator is killed, away, or there twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dev.kubectl import until
from ragwright_core.spec import RagPipelineSpec, shape_fingerprint
from tests.conftest import Holds
from tests.kit.faults.breaking import after_each_write
from tests.kit.faults.calls import Call
from tests.kit.faults.kubelet import Operator
from tests.kit.faults.pods import hold
from tests.kit.faults.snapshot import differences, portable, snapshot
from tests.kit.faults.stage import Stage
from tests.kit.faults.table import Record

# Killed between two calls, the operator leaves its daemon's finalizer and progress to the next.
SWITCHED_OVER = r"round failed|watch begins anew"


@pytest.mark.row(1, "operator killed right after each effect")
def test_killed_after_each_effect(
    stage: Stage, empty: Stage, record: Record, tmp_path: Path, holds: Holds
) -> None:
    """From apply over the first version to the second; at once restarted each time. Where rows
    are short, one of each kind of effect; else after each single one."""
    effects = tmp_path / "effects"
    effects.touch()
    empty.operator.restart("--dies-once-after", str(effects), *holds.every_effect)
    empty.open()
    killed = effects.read_text().splitlines()
    record.at_least("kills", len(killed), 11, "\n".join(killed))
    record.exactly("starts", empty.operator.starts, len(killed) + 2)
    jobs = Counter(
        write.made
        for write in empty.proxy.writes
        if write.call.plural == "jobs" and write.call.method == "POST" and write.status < 300
    )
    record.exactly("jobs made", sum(jobs.values()), 4, str(jobs))
    record.at_most("jobs made twice", max(jobs.values()) - 1, 0, str(jobs))
    with empty.reader().asking() as reader:
        until(lambda: reader.terms, 10, "the term")
    record.exactly("swaps", reader.terms[-1][1], stage.first_term)
    changed = differences(
        portable(stage.baseline, stage.space, stage.name),
        portable(snapshot(empty.space, empty.name), empty.space, empty.name),
    )
    record.at_most("differences of the end", len(changed), 0, "\n".join(changed))


@pytest.mark.row(1, "operator killed after each write, before its answer")
def test_killed_before_each_answer(stage: Stage, record: Record) -> None:
    seen_writes: Counter[str] = Counter()

    def kill(call: Call) -> None:
        what = f"{call.method} {call.plural} {call.sub}"
        seen_writes[what] += 1
        if seen_writes[what] <= 3:
            stage.operator.kill()

    with (
        stage.row(record, builds=1) as seen,
        stage.proxy.broken(after_each_write(kill)),
    ):
        starts, term = stage.operator.starts, seen.term()
        stage.rebuild(stage.revision + 1)
        record.at_least("kills", stage.operator.starts - starts, 6, str(seen_writes))
        record.exactly("swaps", seen.term() - term, 1)


@pytest.mark.row(2, "operator away while the spec changes three times and children go")
def test_away_while_the_spec_changes(stage: Stage, record: Record, holds: Holds) -> None:
    with stage.row(record, builds=1):
        live = stage.space.state(stage.name).live or 0
        stage.operator.stop()
        stage.write(stage.revision + 1)
        for size in (700, 900, 1100 + stage.revision):
            stage.patch(chunking={"maxCharacters": size})
        stage.space("delete", "service", stage.names.internal)
        stage.space("delete", "pdb", stage.names.api)
        hold(holds.operator_down)
        stage.operator.start()
        after = stage.until_swapped(live)
        spec = RagPipelineSpec.model_validate(stage.get()["spec"])
        assert after.status["index"]["live"]["shape"] == shape_fingerprint(spec)


@pytest.mark.row(3, "two operators at once")
def test_two_at_once(stage: Stage, record: Record) -> None:
    other = Operator(
        stage.proxy.url, stage.operator.environment, stage.operator.folder, name="second"
    )
    with stage.row(record, builds=2, allowed=SWITCHED_OVER) as seen, other.kept():
        other.until_at_work()
        term = seen.term()
        stage.rebuild(stage.revision + 1)
        stage.rebuild(stage.revision + 1)
        record.exactly("swaps", seen.term() - term, 2)
        loud = other.loud_lines(0, SWITCHED_OVER)
        record.at_most("unexpected log lines of the other", len(loud), 0, "\n".join(loud))
