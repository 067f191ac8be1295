"""Drops versions that are no longer kept, except those that a reader holds."""

from __future__ import annotations

from contextlib import suppress

import psycopg

from ragwright_core.index.drop import drop_surplus
from ragwright_core.index.views import join_views
from ragwright_ingest.job import Job


def drop_failed(job: Job) -> None:
    """Drop what failed builds left behind, and no version that answers questions."""
    drop_surplus(job.connection, job.schema, job.order.spec.reindex, failed=True, tries=1)
    with suppress(psycopg.errors.LockNotAvailable):  # the index command asks again
        join_views(job.connection, job.schema, tries=1)


def drop_old(job: Job) -> None:
    held = drop_surplus(job.connection, job.schema, job.order.spec.reindex)
    if held:
        numbers = ", ".join(map(str, held))
        job.warnings.append(f"a reader holds version {numbers}: dropped after the next swap")
