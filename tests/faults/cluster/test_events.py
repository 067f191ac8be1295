"""Rows 7 and 8: events come doubled, late, in another order or never; lists are old."""

from __future__ import annotations

import pytest

from tests.kit.faults.breaking import delayed, doubled, dropped, old_lists, reordered
from tests.kit.faults.stage import Stage
from tests.kit.faults.table import Record

ANEW = r"watch begins anew"


@pytest.mark.row(7, "events doubled, out of order and late, all at once")
def test_events(stage: Stage, record: Record) -> None:
    with (
        stage.row(record, builds=1, allowed=ANEW),
        stage.proxy.bent(doubled, reordered, delayed(0.5)),
    ):
        stage.rebuild(stage.revision + 1)


@pytest.mark.row(7, "every third event lost, until the connection breaks")
def test_events_lost(stage: Stage, record: Record) -> None:
    with stage.row(record, builds=1, allowed=ANEW):
        with stage.proxy.bent(dropped(3)):
            live = stage.ask_for(stage.revision + 1)
            # Whether the next Job follows depends on which event is lost.
            stage.until_jobs_end(1)
        stage.until_swapped(live, 60)


@pytest.mark.row(8, "lists answered from before the build")
def test_old_lists(stage: Stage, record: Record) -> None:
    """The operator starts anew in the middle of a build, and is shown the world of before it."""
    with stage.row(record, builds=1, allowed=ANEW), stage.proxy.broken(old_lists()):
        stage.operator.restart()
        stage.operator.until_at_work()
        live = stage.ask_for(stage.revision + 1)
        stage.until_jobs_end(1)
        stage.operator.kill()
        stage.until_swapped(live, 60)
        stage.settle()
