"""Makes a loaded version ready: gates and indexes."""

from __future__ import annotations

from collections.abc import Sequence

from ragwright_core.embedding.make import make_embedder
from ragwright_core.index.version.states import SWAPPABLE, UNINDEXED, State
from ragwright_core.index.versions import Version, read_version
from ragwright_core.index.views import join_views
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Verdict
from ragwright_ingest import queries
from ragwright_ingest.gates.judge import Judge
from ragwright_ingest.gates.rules import failed, failure
from ragwright_ingest.job import Job
from ragwright_ingest.publishing.indexes import build_indexes


def make_ready(job: Job, version: Version) -> None:
    """Build the indexes and judge by the gates. A version that failed only overridden gates is
    judged again, and a ready one is left as it is. Safe to run again after a kill at any line.
    Raises ProblemError (GATE_FAILED or SUPERSEDED) and Embedding*Error."""
    if version.state in SWAPPABLE:
        return
    _require_wanted(job, version)
    _require_loaded(job, version)
    judge = judge_of(job)
    with job.measured("gates"):
        content = judge.content(version)
        _refuse(job, version, content)
    with job.measured("index"):
        _build_indexes(job, version)
    job.around.after_step("indexed")
    # Done before the verdict, because readers of the views may delay it, and must not delay the
    # steps after the verdict.
    join_views(job.connection, job.schema)
    with job.measured("gates"):
        _refuse(job, version, judge.index(version, content))
    _mark(job, version.number, "ready", was=UNINDEXED)
    job.around.after_step("ready")


def judge_of(job: Job) -> Judge:
    secrets, network = job.around.folders.secrets, job.around.network
    return Judge(
        job.connection,
        job.order.spec,
        lambda model: make_embedder(model, secrets, network=network),
    )


def not_wanted(version: Version) -> ProblemError:
    """Why a version can no longer go live by itself."""
    words = failure(_verdicts(version))
    if version.state == "failed" and words:
        return ProblemError(Reason.GATE_FAILED, words)
    return ProblemError(
        Reason.SUPERSEDED,
        f"version {version.number} is {version.state}: another build or version was asked for "
        "meanwhile; ask again to build anew",
    )


def _verdicts(version: Version) -> list[Verdict]:
    return [Verdict(**item) for item in version.verdicts]


def _require_wanted(job: Job, version: Version) -> None:
    """A failed version is wanted only if a person has accepted all the gates that it failed."""
    verdicts = _verdicts(version)
    accepted = bool(failed(verdicts)) and not failed(verdicts, job.override)
    if version.state != "building" and not (version.state == "failed" and accepted):
        raise not_wanted(version)


def _require_loaded(job: Job, version: Version) -> None:
    if version.state != "building":
        return
    row = job.connection.execute(queries.pending(version.number)).fetchone()
    assert row is not None
    if row[0]:
        raise ProblemError(
            Reason.INTERNAL, f"{row[0]} documents are not loaded yet: run load to its end"
        )


def _refuse(job: Job, version: Version, verdicts: list[Verdict]) -> None:
    problem = failure(verdicts, job.override)
    if problem is None:
        return
    if version.state == "building":
        _mark(job, version.number, "failed", was=("building",))
    raise ProblemError(Reason.GATE_FAILED, problem)


def _build_indexes(job: Job, version: Version) -> None:
    warnings = build_indexes(
        job.connection,
        version,
        memory_bytes=job.order.index_memory_bytes,
        workers=job.order.spec.ingest.index_workers,
        pgvector=job.pgvector,
    )
    job.warnings.extend(warnings)


def _mark(job: Job, number: int, state: State, was: Sequence[State]) -> None:
    """Set the version's state, unless another build was requested meanwhile."""
    values = {"number": number, "state": state, "was": list(was)}
    if job.connection.execute(queries.MARK_BUILT, values).rowcount == 0:
        raise not_wanted(read_version(job.connection, number))
