"""`ragwright-ingest load`: one of the workers that share a build's documents."""

from __future__ import annotations

from contextlib import closing

from ragwright_core.index.descriptor import embedding_descriptor
from ragwright_core.index.versions import read_version
from ragwright_core.orders import BuildOrder
from ragwright_core.report import Report
from ragwright_ingest.job import Job, opened
from ragwright_ingest.loading.bootstrap import Build, bootstrap
from ragwright_ingest.loading.documents import load_documents
from ragwright_ingest.loading.models import ask_model, await_key
from ragwright_ingest.publishing.drop import drop_failed
from ragwright_ingest.reports import compared_with, report_of
from ragwright_ingest.sources.open import OpenSources
from ragwright_ingest.surroundings import Surroundings


def load(order: BuildOrder, around: Surroundings) -> Report:
    """List the documents, unless another worker has done so, and load them until none is left.
    Raises ProblemError, Embedding*Error, psycopg.Error."""
    with opened(order, around) as job, closing(OpenSources(around)) as sources:
        # Awaited before the lock is taken, so that all workers wait at the same time.
        await_key(embedding_descriptor(order.spec.embedding), around.folders)
        build = bootstrap(
            job.connection, order, sources.open, lambda model: ask_model(model, around)
        )
        around.after_step("listed")
        if build.version.state == "building" and not build.unchanged:
            drop_failed(job)
            load_documents(job, order, build.version, sources)
        return _report(job, build)


def _report(job: Job, build: Build) -> Report:
    found = read_version(job.connection, build.version.number)
    outcome = "unchanged" if build.unchanged else "loaded"
    against = found.number if build.unchanged else compared_with(job.connection, found)
    report = report_of(job.connection, found, outcome, against)
    seconds = {"load": round(found.load_seconds, 2)}
    warnings = [*report.warnings, *job.warnings]
    return report.model_copy(update={"seconds": seconds, "warnings": warnings})
