"""`ragwright-ingest index`: from loaded to live."""

from __future__ import annotations

from ragwright_core.index.versions import Version, read_asked, read_pointer, read_version
from ragwright_core.orders import BuildOrder
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest.job import Job, opened
from ragwright_ingest.publishing.golive import go_live
from ragwright_ingest.publishing.publication import Publication
from ragwright_ingest.publishing.ready import judge_of, make_ready, not_wanted
from ragwright_ingest.surroundings import Surroundings


def index(order: BuildOrder, around: Surroundings) -> Report:
    """Build the indexes, judge by the gates, and swap unless a person must approve. Raises
    ProblemError if nothing was begun."""
    with opened(order, around) as job:
        version, outcome = _loaded(job, order)
        publication = Publication.of(job, version, outcome)
        with publication.problems():
            _refuse_replaced(version)
            make_ready(job, version)
            if _is_for_a_person(job, version):
                publication.waits(judge_of(job).moved(version, publication.against))
            else:
                # A build's swap is valid only for the term at which the build began.
                publication.swap = go_live(job, version, version.planned_on)
        return publication.ended()


def _loaded(job: Job, order: BuildOrder) -> tuple[Version, str]:
    """The version that the load made for the request, and the outcome to report for it."""
    asked = read_asked(job.connection, order.request)
    if asked is None:
        raise ProblemError(Reason.INTERNAL, "nothing was loaded for this request: run load")
    outcome = "unchanged" if asked.unchanged else "swapped"
    return read_version(job.connection, asked.number), outcome


def _refuse_replaced(version: Version) -> None:
    if version.state == "kept":
        raise not_wanted(version)


def _is_for_a_person(job: Job, version: Version) -> bool:
    """Whether a person must decide, which is never so for a version that is live already."""
    manual = job.order.spec.reindex.approval == "Manual"
    return manual and read_pointer(job.connection).number != version.number
