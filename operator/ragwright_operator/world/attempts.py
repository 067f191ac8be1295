"""The progress of each attempt, derived from its Jobs and their pods' reports. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ragwright_core.report import Report
from ragwright_operator.desired.notes import AttemptKey, BuildNote
from ragwright_operator.world.jobs import JobState
from ragwright_operator.world.pods import PodState
from ragwright_operator.world.trouble import Trouble


@dataclass(frozen=True)
class Attempt:
    """`number` and `loaded` are set once the load Job has reported. When the attempt is done,
    `report` is set; when it failed, `trouble` is set, and `report` if a pod reported the cause. In
    both cases `note` is that of the Job that ended the attempt."""

    phase: Literal["none", "loading", "loaded", "indexing", "swapping", "done", "failed"]
    number: int | None = None
    loaded: Report | None = None
    report: Report | None = None
    trouble: Trouble | None = None
    note: BuildNote | None = None

    @property
    def concluded(self) -> bool:
        return self.phase in ("done", "failed")


NONE = Attempt("none")


def read_attempts(
    jobs: Iterable[JobState], pods: Sequence[PodState]
) -> Mapping[AttemptKey, Attempt]:
    steps: dict[AttemptKey, dict[str, JobState]] = {}
    for job in jobs:
        if job.note is not None:
            steps.setdefault(job.note.key, {})[job.component] = job
    return {key: _attempt(found, pods) for key, found in steps.items()}


def _attempt(steps: Mapping[str, JobState], pods: Sequence[PodState]) -> Attempt:
    if "swap" in steps:
        return _ended(steps["swap"], pods) or Attempt("swapping")
    found = _build(steps, pods)
    told = _reports(steps["load"], pods) if "load" in steps else []
    return replace(
        found,
        number=next((report.number for report in told if report.number is not None), None),
        loaded=next((report for report in told if report.outcome == "loaded"), None),
    )


def _build(steps: Mapping[str, JobState], pods: Sequence[PodState]) -> Attempt:
    if "index" in steps:
        return _ended(steps["index"], pods) or Attempt("indexing")
    if "load" not in steps:
        return NONE
    found = _ended(steps["load"], pods)
    if found is None:
        return Attempt("loading")
    loaded = found.report is not None and found.report.outcome == "loaded"
    return Attempt("loaded") if loaded else found


def _ended(job: JobState, pods: Sequence[PodState]) -> Attempt | None:
    """The result of a finished Job. None while it runs, or while the watch of pods, which is
    separate from that of Jobs, has not shown the end of its pods yet."""
    if job.outcome is None or any(pod.job == job.name and not pod.ended for pod in pods):
        return None
    reports = _reports(job, pods)
    if job.outcome == "failed":
        told = next((report for report in reports if report.problem), None)
        trouble = _failure(job, pods, told)
        return Attempt("failed", report=told, trouble=trouble, note=job.build)
    good = [report for report in reports if report.outcome not in ("failed", "unknown")]
    if not good:
        return Attempt("failed", trouble=_unreported(job, reports))
    return Attempt("done", report=good[0], note=job.build)


def _unreported(job: JobState, reports: list[Report]) -> Trouble:
    if any(report.outcome == "unknown" for report in reports):
        words = f"another release wrote the report of Job {job.name}, in a word unknown to this one"
        return Trouble("ReportUnknown", f"{words}; the Job runs again")
    lost = f"the report of Job {job.name} was lost with its pod; the Job runs again"
    return Trouble("ReportLost", lost)


def _failure(job: JobState, pods: Sequence[PodState], told: Report | None) -> Trouble:
    if told is not None and told.problem is not None:
        return Trouble(str(told.problem.reason), told.problem.message)
    for pod in pods:
        if pod.job == job.name and pod.trouble:
            return pod.trouble
    return Trouble("JobFailed", f"Job {job.name} failed, {job.why or 'its pods are gone'}")


def _reports(job: JobState, pods: Sequence[PodState]) -> list[Report]:
    return [pod.report for pod in pods if pod.job == job.name and pod.report]
