"""What an operator's log may hold after a fault."""

from __future__ import annotations

from tests.faults.chaos import ALLOWED
from tests.kit.faults.kubelet import loud_lines

BROKEN = """\
{"level": "info", "event": "step"}
Traceback (most recent call last):
  File "watching.py", line 215, in continuous_watch
    raise WatchingError(f"Error in the watch-stream: {raw_object}")
kopf._cogs.clients.watching.WatchingError: Error: {'message': 'broken on purpose: 500'}
{"level": "warning", "event": "round failed"}
"""
OURS = """\
Traceback (most recent call last):
  File "reconcile.py", line 1, in reconcile
KeyError: 'status'
"""


def test_a_watch_that_was_broken_on_purpose_is_no_finding() -> None:
    assert loud_lines(BROKEN, "") == ['{"level": "warning", "event": "round failed"}']
    assert loud_lines(BROKEN, ALLOWED) == []


def test_a_fault_of_ours_is_one_even_beside_it() -> None:
    for log in (OURS + BROKEN, BROKEN + OURS):
        assert loud_lines(log, ALLOWED) == ["Traceback (most recent call last):"]
    assert loud_lines('{"level": "error", "event": "fault"}', ALLOWED)
