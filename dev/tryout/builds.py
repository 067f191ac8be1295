"""Builds of the folder by the programs of the Jobs, with progress, now and at every change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from dulwich.repo import Repo

from dev.stack import BuildFailedError, Job, Stack
from dev.tryout.folder import Documents, NoDocumentsError, State
from ragwright_core.report import Report
from ragwright_core.spec import RagPipelineSpec

Say = Callable[[str], None]
LOOK_SECONDS = 1.0
_PROGRESS_SECONDS = 0.5


@dataclass
class Builder:
    """`internal` is the URL of the API's internal port; `say` prints a line."""

    stack: Stack
    spec: RagPipelineSpec
    documents: Documents
    repo: Repo
    internal: str
    say: Say
    seen: State = field(default_factory=dict)
    requests: int = 0

    def build(self) -> Report:
        """Load, index and swap. Raises BuildFailedError or NoDocumentsError."""
        self.seen = self.documents.commit(self.repo)
        self.requests += 1
        self.say(f"building an index of {len(self.seen)} documents")
        for step in ("load", "index"):
            job = self.stack.start_build(step, self.spec, f"r{self.requests}")
            report = self._watched(job)
        self.say(_told(report))
        return report

    def follow(self, stopping: threading.Event) -> None:
        """Build again whenever the folder has changed, until told to stop."""
        while not stopping.wait(LOOK_SECONDS):
            try:
                if self.documents.state() != self.seen:
                    self.build()
            except (BuildFailedError, NoDocumentsError) as error:
                self.say(f"{error}\nThe version before goes on answering.")
                self.seen = {}
                stopping.wait(5)

    def _watched(self, job: Job) -> Report:
        told, last = "", time.monotonic()
        while job.process.poll() is None:
            time.sleep(0.05)
            if time.monotonic() - last > _PROGRESS_SECONDS:
                last = time.monotonic()
                if (now := self._progress()) != told:
                    self.say(now)
                    told = now
        return job.finish()

    def _progress(self) -> str:
        """The progress of the build, as the API reports it to the operator."""
        try:
            building = httpx.get(f"{self.internal}/index", timeout=2).json().get("building")
        except httpx.HTTPError:
            building = None
        if building is None:
            return "  listing documents"
        if building["phase"] != "load":
            return "  building the index and asking its gates"
        return f"  {building['done']} of {building['total']} documents"


def _told(report: Report) -> str:
    if report.outcome == "unchanged":
        return "nothing changed in the documents"
    counts, changes = report.counts, report.changes
    reused = f", {counts.reused} of {counts.chunks} vectors reused" if counts.reused else ""
    return (
        f"version {report.number} answers: {counts.documents} documents, {counts.chunks} chunks "
        f"({changes.changed} changed, {changes.new} new, {changes.gone} gone{reused})"
    )
