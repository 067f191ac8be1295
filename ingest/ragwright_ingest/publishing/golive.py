"""The swap, and the wait until every answer comes from the new version."""

from __future__ import annotations

from ragwright_core.contract import AFTER_COMMIT_SECONDS
from ragwright_core.index.swap import NotReadyError, StaleTermError, swap
from ragwright_core.index.versions import Version, read_pointer, read_version
from ragwright_core.index.views import join_views
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Swap
from ragwright_ingest.job import Job
from ragwright_ingest.publishing.purge import purge_answers
from ragwright_ingest.publishing.ready import not_wanted


def go_live(job: Job, version: Version, planned_on: int) -> Swap | None:
    """Make the version live. Returns None when an earlier run had made the swap. Safe to run again
    after a kill at any line. Raises ProblemError: SUPERSEDED or STALE_TERM."""
    made = None
    if not _is_live(job, version):
        join_views(job.connection, job.schema)
        job.around.after_step("joined")
        made = _swap(job, version, planned_on)
        job.around.after_step("swapped")
    job.around.wait(AFTER_COMMIT_SECONDS)
    if warning := purge_answers(job.around.stores.cache(), job.schema, version.id):
        job.warnings.append(warning)
    job.around.after_step("purged")
    return made


def _is_live(job: Job, version: Version) -> bool:
    state = read_version(job.connection, version.number).state
    return state == "live" and read_pointer(job.connection).number == version.number


def _swap(job: Job, version: Version, planned_on: int) -> Swap:
    try:
        made = swap(job.reconnect, version.number, planned_on)
    except StaleTermError as error:
        raise ProblemError(Reason.STALE_TERM, f"{error}; ask again to build anew") from None
    except NotReadyError:
        raise not_wanted(read_version(job.connection, version.number)) from None
    return Swap(milliseconds=round(made.milliseconds, 2), attempts=made.attempts)
