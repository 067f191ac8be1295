"""Where the Jobs of an attempt stand, read off the Jobs and their pods' reports. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragwright_core.handover import BuildOrder
from ragwright_core.report import Report
from ragwright_operator.observed import JobState, Observed, Trouble


@dataclass(frozen=True)
class Standing:
    """Where an attempt stands. `report` and `order` are set when it is done, `trouble` when it
    failed, with the report of the pod that said why if there is one."""

    phase: Literal["none", "loading", "loaded", "indexing", "swapping", "done", "failed"]
    report: Report | None = None
    order: BuildOrder | None = None
    trouble: Trouble | None = None

    @property
    def concluded(self) -> bool:
        return self.phase in ("done", "failed")


def standing(observed: Observed, request: str, attempt: int) -> Standing:
    """Read off the two Jobs of an attempt."""
    names = observed.target.names
    load = observed.jobs.get(names.job(request, "load", attempt))
    index = observed.jobs.get(names.job(request, "index", attempt))
    if index is not None:
        return _concluded(observed, index) or Standing("indexing")
    if load is None:
        return Standing("none")
    found = _concluded(observed, load)
    if found is None:
        return Standing("loading")
    loaded = found.report is not None and found.report.outcome == "loaded"
    return Standing("loaded", found.report) if loaded else found


def swap_standing(observed: Observed, request: str, attempt: int) -> Standing:
    """Of a swap apart from a build, which is one Job."""
    job = observed.jobs.get(observed.target.names.job(request, "swap", attempt))
    if job is None:
        return Standing("none")
    return _concluded(observed, job) or Standing("swapping")


def _concluded(observed: Observed, job: JobState) -> Standing | None:
    """What a finished Job found; None while it runs, or while the watch of pods, which is another
    than that of Jobs, has not shown their end yet."""
    if job.outcome is None or any(p.job == job.name and not p.ended for p in observed.pods):
        return None
    reports = observed.reports(job.name)
    if job.outcome == "failed":
        told = next((report for report in reports if report.problem), None)
        return Standing("failed", told, job.order, _failure(observed, job, told))
    good = [report for report in reports if report.outcome != "failed"]
    if not good:
        lost = f"the report of Job {job.name} was lost with its pod; the Job runs again"
        return Standing("failed", trouble=Trouble("ReportLost", lost))
    return Standing("done", report=good[0], order=job.order)


def _failure(observed: Observed, job: JobState, told: Report | None) -> Trouble:
    if told is not None and told.problem is not None:
        return Trouble(str(told.problem.reason), told.problem.message)
    for pod in observed.pods:
        if pod.job == job.name and pod.trouble:
            return pod.trouble
    return Trouble("JobFailed", f"Job {job.name} failed, {job.why or 'its pods are gone'}")
