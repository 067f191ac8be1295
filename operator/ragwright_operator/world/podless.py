"""Controllers that want a pod and have none. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ragwright_operator.desired.target import COMPONENT_LABEL, Manifest
from ragwright_operator.world.jobs import JobState
from ragwright_operator.world.observed import Observed, is_ours

# A controller is slow at times; nobody should be told of what passes by itself.
PATIENCE = timedelta(seconds=20)
# A Job makes a failed pod anew after a pause of its own, which doubles with each failure.
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True)
class Podless:
    """A controller without a pod. `is_first`: it never had one."""

    kind: str
    name: str
    component: str
    created: datetime
    patience: timedelta = PATIENCE
    is_first: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"


def find_podless(observed: Observed) -> list[Podless]:
    jobs = [_of_job(observed, job) for job in observed.jobs.values()]
    return [*_servers(observed), *(found for found in jobs if found)]


def _servers(observed: Observed) -> Iterator[Podless]:
    for (kind, name), existing in observed.children.items():
        if kind not in ("Deployment", "StatefulSet") or not is_ours(existing, observed.target):
            continue
        component = (existing["metadata"].get("labels") or {}).get(COMPONENT_LABEL, "")
        if _wants_pods(existing) and not _has_pod(observed, existing, component):
            created = datetime.fromisoformat(existing["metadata"]["creationTimestamp"])
            yield Podless(kind, name, component, created)


def _wants_pods(existing: Manifest) -> bool:
    going = "deletionTimestamp" in existing["metadata"]
    return not going and (existing.get("spec") or {}).get("replicas", 0) > 0


def _has_pod(observed: Observed, existing: Manifest, component: str) -> bool:
    if (existing.get("status") or {}).get("replicas"):
        return True
    return any(pod.component == component and not pod.ended for pod in observed.pods)


def _of_job(observed: Observed, job: JobState) -> Podless | None:
    runs = job.active or any(pod.job == job.name and not pod.ended for pod in observed.pods)
    if runs or job.deleting or job.outcome is not None:
        return None
    patience = PATIENCE + _pause_after(job.failures)
    is_first = not job.failures and not any(pod.job == job.name for pod in observed.pods)
    return Podless("Job", job.name, job.component, job.created, patience, is_first)


def _pause_after(failures: int) -> timedelta:
    if not failures:
        return timedelta()
    return min(_FIRST_PAUSE * 2.0 ** min(failures - 1, 10), _LONGEST_PAUSE)
