"""Changes that a person should notice, as Kubernetes events: one event for each change. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragwright_core.model import fingerprint
from ragwright_core.report import Reason
from ragwright_core.status import Condition, HistoryEntry, PipelineStatus
from ragwright_operator.memory.history import entries_since


@dataclass(frozen=True)
class Event:
    """The event's name is made from `about`, so that writing it again makes no second event."""

    kind: Literal["Normal", "Warning"]
    reason: str
    message: str
    about: str

    def name(self, pipeline: str) -> str:
        return f"{pipeline}.{fingerprint([self.reason, self.about])[:16]}"


def events(old: PipelineStatus, new: PipelineStatus) -> list[Event]:
    outcomes = [event for entry in entries_since(old, new) for event in _outcome(old, new, entry)]
    return [*_build(old, new), *outcomes, *_health(old, new)]


def _build(old: PipelineStatus, new: PipelineStatus) -> list[Event]:
    build, before = new.operator.build, old.operator.build
    if build is None or build.attempt > 1 or (before and before.request == build.request):
        return []
    return [Event("Normal", "BuildStarted", build.why, build.request)]


def _outcome(old: PipelineStatus, new: PipelineStatus, entry: HistoryEntry) -> list[Event]:
    if entry.outcome == "superseded":
        return []
    about = f"{entry.number or ''} {entry.started_at} {entry.attempt}"
    if entry.outcome == "failed":
        return [_failure(new, entry.message, about)]
    told = {
        "swapped": (_swap_cause(old, new), f"version {entry.number} is live: {entry.message}"),
        "unchanged": ("Unchanged", entry.message),
        "ready": ("AwaitingApproval", f"version {entry.number} is ready: {_verdicts(new)}"),
    }
    reason, message = told[entry.outcome]
    return [Event("Normal", reason, message, about)]


def _failure(new: PipelineStatus, message: str, about: str) -> Event:
    failure = new.operator.build.failure if new.operator.build else ""
    if failure == Reason.GATE_FAILED:
        return Event("Warning", "GateFailed", f"{message} Gates: {_verdicts(new)}", about)
    return Event("Warning", "BuildFailed", f"{failure}: {message}" if failure else message, about)


def _swap_cause(old: PipelineStatus, new: PipelineStatus) -> str:
    """`Swapped` for a build's own swap, else the cause of the swap that is apart from a build."""
    task = new.operator.swap
    done = task is not None and task.outcome == "done" and task != old.operator.swap
    return task.cause if task and done else "Swapped"


def _verdicts(status: PipelineStatus) -> str:
    """Every gate with its numbers."""
    verdicts = status.judged.verdicts if status.judged else []
    return "; ".join(
        f"{item.gate} {'ok' if item.ok else 'FAILED'} (want {item.want}, got {item.got})"
        for item in verdicts
    )


def _health(old: PipelineStatus, new: PipelineStatus) -> list[Event]:
    """Events for becoming degraded and for recovering. A failed build has an event of its own."""
    before, after = _degraded(old), _degraded(new)
    if after is None:
        return []
    was = before is not None and before.status == "True"
    about = str(after.last_transition_time)
    if after.status == "True":
        build_failed = new.operator.build is not None and new.operator.build.outcome == "failed"
        same = was and before is not None and before.reason == after.reason
        if same or build_failed:
            return []
        return [Event("Warning", after.reason, after.message, about)]
    return [Event("Normal", "Recovered", "nothing is wrong any more", about)] if was else []


def _degraded(status: PipelineStatus) -> Condition | None:
    return next((item for item in status.conditions if item.type == "Degraded"), None)
