"""When a Job may be deleted. Pure."""

from __future__ import annotations

from ragwright_core.memory import Build, SwapTask
from ragwright_operator.desired.notes import AttemptKey
from ragwright_operator.world.observed import Observed

Task = Build | SwapTask


def is_persisted(
    observed: Observed, attempt: AttemptKey, persisted: Task | None, remembered: Task | None
) -> bool:
    """False while an attempt's result is known only in this round's memory: if the operator is
    killed before it writes the status, it must find the report again."""
    if not observed.attempt(*attempt).concluded:
        return True
    if last := _is_of(persisted, attempt):
        return last.outcome != "running"
    return _is_of(remembered, attempt) is None


def holds_logs(
    observed: Observed, attempt: AttemptKey, wanted: AttemptKey | None, remembered: Task | None
) -> bool:
    """Whether a failed attempt's Jobs are kept for their logs: until the next attempt has begun."""
    last = _is_of(remembered, attempt)
    return last is not None and last.outcome == "failed" and wanted not in observed.attempts


def _is_of(task: Task | None, attempt: AttemptKey) -> Task | None:
    return task if task and (task.request, task.attempt) == attempt else None
