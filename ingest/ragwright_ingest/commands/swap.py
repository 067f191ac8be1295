"""`ragwright-ingest swap`: swaps to an existing version."""

from __future__ import annotations

from ragwright_core.index.version.states import OFFERED, SWAPPABLE
from ragwright_core.index.versions import Version, numbers_in, read_pointer, read_version
from ragwright_core.orders import SwapOrder
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest.job import Job, opened
from ragwright_ingest.publishing.drop import drop_old
from ragwright_ingest.publishing.golive import go_live
from ragwright_ingest.publishing.publication import Publication
from ragwright_ingest.publishing.ready import make_ready
from ragwright_ingest.surroundings import Surroundings


def swap(order: SwapOrder, around: Surroundings) -> Report:
    """Swap to a kept, ready or overridden version, and drop versions that are no longer kept. If
    the order names no version, only drop. Raises ProblemError(VERSION_GONE).

    However late the Job begins, it swaps only on the term that it was planned on."""
    with opened(order, around, tuple(order.override)) as job:
        if order.number is None:
            drop_old(job)
            return Report(outcome="dropped", warnings=job.warnings)
        term = read_pointer(job.connection).term if order.term is None else order.term
        version = _there(job, order.number)
        publication = Publication.of(job, version, "swapped")
        with publication.problems():
            make_ready(job, version)
            publication.swap = go_live(job, version, term)
        return publication.ended()


def _there(job: Job, number: int) -> Version:
    try:
        version = read_version(job.connection, number)
    except LookupError:
        version = None
    if version is None or version.state not in OFFERED:
        there = ", ".join(map(str, sorted(numbers_in(job.connection, *SWAPPABLE)))) or "none"
        raise ProblemError(
            Reason.VERSION_GONE,
            f"there is no version {number} to swap in; those that are there: {there}",
        )
    return version
