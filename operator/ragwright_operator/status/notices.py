"""What a person should notice, as Kubernetes events: told once, at the moment it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragwright_core.model import fingerprint
from ragwright_core.report import Reason
from ragwright_core.status import Condition, PipelineStatus


@dataclass(frozen=True)
class Notice:
    """`about` makes the event's name: the same thing told again is the same event."""

    kind: Literal["Normal", "Warning"]
    reason: str
    message: str
    about: str

    def event_name(self, pipeline: str) -> str:
        return f"{pipeline}.{fingerprint([self.reason, self.about])[:16]}"


def notices(old: PipelineStatus, new: PipelineStatus) -> list[Notice]:
    return [*_build(old, new), *_outcome(old, new), *_health(old, new)]


def _build(old: PipelineStatus, new: PipelineStatus) -> list[Notice]:
    build = new.build
    if build is None or build.attempt > 1 or (old.build and old.build.request == build.request):
        return []
    return [Notice("Normal", "BuildStarted", build.why, build.request)]


def _outcome(old: PipelineStatus, new: PipelineStatus) -> list[Notice]:
    if new.history[:1] == old.history[:1] or not new.history:
        return []
    entry = new.history[0]
    if entry.outcome == "superseded":
        return []
    about = f"{entry.number or ''} {entry.started_at} {entry.attempt}"
    if entry.outcome == "failed":
        return [_failure(new, entry.message, about)]
    told = {
        "swapped": (_swap_reason(old, new), f"version {entry.number} is live: {entry.message}"),
        "unchanged": ("Unchanged", entry.message),
        "ready": ("AwaitingApproval", f"version {entry.number} is ready: {_verdicts(new)}"),
    }
    reason, message = told[entry.outcome]
    return [Notice("Normal", reason, message, about)]


def _failure(new: PipelineStatus, message: str, about: str) -> Notice:
    reason = new.build.reason if new.build else ""
    if reason == Reason.GATE_FAILED:
        return Notice("Warning", "GateFailed", f"{message} Gates: {_verdicts(new)}", about)
    return Notice("Warning", "BuildFailed", f"{reason}: {message}", about)


def _swap_reason(old: PipelineStatus, new: PipelineStatus) -> str:
    """A build's own swap, or why a kept version came back."""
    task = new.swap
    done = task is not None and task.outcome == "done" and task != old.swap
    return task.reason if task and done else "Swapped"


def _verdicts(status: PipelineStatus) -> str:
    """Every gate with its numbers."""
    verdicts = status.judged.verdicts if status.judged else []
    return "; ".join(
        f"{item.gate} {'ok' if item.ok else 'FAILED'} (want {item.want}, got {item.got})"
        for item in verdicts
    )


def _health(old: PipelineStatus, new: PipelineStatus) -> list[Notice]:
    """Degraded and back. A failed build has its own event."""
    before, after = _degraded(old), _degraded(new)
    if after is None:
        return []
    was = before is not None and before.status == "True"
    about = str(after.last_transition_time)
    if after.status == "True":
        build_failed = new.build is not None and new.build.outcome == "failed"
        same = was and before is not None and before.reason == after.reason
        if same or build_failed:
            return []
        return [Notice("Warning", after.reason, after.message, about)]
    return [Notice("Normal", "Recovered", "nothing is wrong any more", about)] if was else []


def _degraded(status: PipelineStatus) -> Condition | None:
    return next((item for item in status.conditions if item.type == "Degraded"), None)
