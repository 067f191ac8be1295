"""`python -m tests.faults.chaos`: breaks a pipeline for a time, as its seed says, under a reader.

In each cycle every document changes and a reindex is asked for; then come the faults; then the
pipeline has to settle, and from then on no answer may come from an older document.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from dev.goals import Goal
from dev.install import install
from dev.kubectl import DeadlineError
from tests.kit.faults.drawing import Drawn, cycles
from tests.kit.faults.ground import resting, staged
from tests.kit.faults.kubelet import WATCHER_ENDS
from tests.kit.faults.mischief import MISCHIEF
from tests.kit.faults.pods import hold
from tests.kit.faults.reader import Reader
from tests.kit.faults.stage import Seen, Stage
from tests.kit.faults.table import Record

# After faults like these an operator has things to say; but never that it does not understand.
ALLOWED = rf'{WATCHER_ENDS}|^(?!.*("level": "error"|Traceback)).*'
SETTLE_SECONDS = 240


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    goals: list[Goal] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        resting(install(say)) as installed,
        staged(installed, Path(folder)) as stage,
    ):
        stage.open()
        say(f"chaos for {options.minutes:g} minutes, seed {options.seed}")
        try:
            run(stage, options.seed, options.minutes * 60, Record(goals.append))
        except (AssertionError, DeadlineError) as finding:
            say(f"FINDING {finding}")
            say("\n".join(getattr(finding, "__notes__", [])))
            say(stage.operator.log.read_text()[-5000:])
            return 1
        finally:
            for goal in goals:
                say(goal.line())
    return 0


def run(stage: Stage, seed: int, seconds: float, record: Record) -> None:
    ends_at = time.monotonic() + seconds
    with stage.row(record, builds=None, allowed=ALLOWED) as seen:
        for number, faults in enumerate(cycles(seed), start=1):
            if time.monotonic() > ends_at:
                break
            play(stage, seen, number, faults)
        say(f"{number - 1} cycles; excused while Postgres was away: {seen.reader.excused}")


def play(stage: Stage, seen: Seen, number: int, faults: tuple[Drawn, ...]) -> None:
    live = stage.ask_for(stage.revision + 1)
    say(f"cycle {number}: every document changes, revision {stage.revision}")
    for drawn in faults:
        hold(drawn.pause)
        say(f"  {drawn.fault}")
        MISCHIEF[drawn.fault](stage, seen.reader)
    stage.until_swapped(live, SETTLE_SECONDS)
    stage.settle(SETTLE_SECONDS)
    seen.reader.reported = stage.revision
    say(f"  settled; {told(seen.reader)}")


def told(reader: Reader) -> str:
    counts = ", ".join(f"{name} {reader.count(name)}" for name in ("failed", "mixed", "stale"))
    return f"asked {reader.asked}, {counts}"


def say(text: str) -> None:
    moment = datetime.now(UTC).strftime("%H:%M:%S")
    sys.stdout.write(f"{moment} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
