"""Problems of pods, and those that pods of running Jobs have reported. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from ragwright_operator.world.observed import Observed
from ragwright_operator.world.trouble import Trouble

# A pod may be unschedulable for a moment while its volume is made.
POD_PATIENCE = timedelta(seconds=10)


def running_reports(observed: Observed) -> list[Trouble]:
    """Why pods of running Jobs failed. The Job replaces such a pod by itself, but its problem is
    shown meanwhile."""
    running = {job.name for job in observed.jobs.values() if job.outcome is None}
    return [
        Trouble(str(pod.report.problem.reason), pod.report.problem.message)
        for pod in observed.pods
        if pod.job in running and pod.report and pod.report.problem
    ]


def pod_troubles(observed: Observed, now: datetime, component: str = "") -> list[Trouble]:
    """Troubles of pods that have not ended: those of one component, or of all if it is empty."""
    return [
        pod.trouble
        for pod in sorted(observed.pods, key=lambda pod: pod.name)
        if pod.trouble
        and not pod.ended
        and now - pod.created > POD_PATIENCE
        and component in ("", pod.component)
    ]
