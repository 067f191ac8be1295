"""Reads raw Jobs into the facts that the operator needs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ragwright_core.model import Paths
from ragwright_operator.desired.job import UID_LABEL
from ragwright_operator.desired.notes import BuildNote, Note, SwapNote, read_note
from ragwright_operator.desired.order import ORDER_VOLUME
from ragwright_operator.desired.target import BUILD_STEPS, COMPONENT_LABEL, Manifest


@dataclass(frozen=True)
class JobState:
    """A Job. `why` is what Kubernetes says about a failure, `order_map` names the ConfigMap of its
    order, `ignored` are unknown fields of its note. `active`: it has a pod that has not ended;
    `failures` counts pods that failed. A build's or swap's Job without a readable note
    is deleted and made again, because it is unknown what it was made for."""

    name: str
    component: str
    created: datetime
    uid_label: str = ""
    outcome: Literal["complete", "failed"] | None = None
    why: str = ""
    build: BuildNote | None = None
    swap: SwapNote | None = None
    order_map: str = ""
    ignored: Paths = ()
    deleting: bool = False
    active: bool = False
    failures: int = 0

    @property
    def note(self) -> Note | None:
        return self.build or self.swap


def newest(jobs: Iterable[JobState], components: Collection[str]) -> JobState | None:
    """The Job that was created last, which the memory may not know yet."""
    standing = [job for job in jobs if job.component in components and not job.deleting]
    return max(standing, key=lambda job: job.created, default=None)


def read_job(job: Manifest) -> JobState:
    labels, status = job["metadata"].get("labels") or {}, job.get("status") or {}
    component = labels.get(COMPONENT_LABEL, "")
    conditions = {
        item["type"]: item for item in status.get("conditions") or [] if item["status"] == "True"
    }
    failed = conditions.get("Failed")
    build, strange = read_note(job, BuildNote) if component in BUILD_STEPS else (None, ())
    swap, odd = read_note(job, SwapNote) if component == "swap" else (None, ())
    return JobState(
        name=job["metadata"]["name"],
        component=component,
        uid_label=labels.get(UID_LABEL, ""),
        outcome="failed" if failed else "complete" if "Complete" in conditions else None,
        why=f"{failed.get('reason', '')}: {failed.get('message', '')}" if failed else "",
        created=datetime.fromisoformat(job["metadata"]["creationTimestamp"]),
        build=build,
        swap=swap,
        order_map=_order_map(job),
        ignored=strange + odd,
        deleting="deletionTimestamp" in job["metadata"],
        active=bool(status.get("active")),
        failures=status.get("failed") or 0,
    )


def _order_map(job: Manifest) -> str:
    for volume in job["spec"]["template"]["spec"].get("volumes") or []:
        if volume["name"] == ORDER_VOLUME:
            return str(volume["configMap"]["name"])
    return ""
