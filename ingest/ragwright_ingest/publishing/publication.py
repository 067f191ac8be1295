"""Collects the report about a version that should go live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ragwright_core.index.versions import Version, read_version
from ragwright_core.problems import ProblemError
from ragwright_core.report import Problem, Report, Swap
from ragwright_ingest.job import Job
from ragwright_ingest.publishing.drop import drop_old
from ragwright_ingest.reports import compared_with, report_of


@dataclass
class Publication:
    """`outcome` is the outcome if nothing stops the publication. `against` is the number of the
    version that this one replaces."""

    job: Job
    version: Version
    outcome: str
    against: int | None
    swap: Swap | None = None
    moved: list[str] = field(default_factory=list)
    problem: Problem | None = None

    @classmethod
    def of(cls, job: Job, version: Version, outcome: str) -> Publication:
        return cls(job, version, outcome, compared_with(job.connection, version))

    @contextmanager
    def problems(self) -> Iterator[None]:
        """Put a problem that is raised into the report, which describes the version too."""
        try:
            yield
        except ProblemError as error:
            self.outcome, self.problem = "failed", error.problem

    def waits(self, moved: list[str]) -> None:
        """The version waits for a person. `moved` lists golden questions whose first source
        changed."""
        self.outcome, self.moved = "ready", moved

    def ended(self) -> Report:
        """Make the report. If the version is live, drop versions that are no longer kept."""
        found = read_version(self.job.connection, self.version.number)
        # Nothing may be dropped before: documents are compared with those of the previous version.
        report = report_of(self.job.connection, found, self.outcome, self.against)
        if self.outcome in ("swapped", "unchanged"):
            drop_old(self.job)
        return report.model_copy(
            update={
                "swap": self.swap,
                "moved": self.moved,
                "previous": self.against,
                "problem": self.problem,
                "seconds": {"load": round(found.load_seconds, 2), **self.job.seconds},
                "warnings": [*report.warnings, *self.job.warnings],
            }
        )
