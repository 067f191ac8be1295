"""The steps that make a version live: index, after a load, and swap, to one that is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragwright_core.embedding.make import make_embedder
from ragwright_core.handover import BuildOrder, SwapOrder
from ragwright_core.index.versions import (
    Version,
    mark_lost,
    numbers_in,
    read_asked,
    read_live,
    read_version,
)
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest.database import Connection, open_database, reconnect
from ragwright_ingest.judge import Judge
from ragwright_ingest.publish import Publisher, not_wanted
from ragwright_ingest.purge import open_cache
from ragwright_ingest.reports import compared_with, report_of
from ragwright_ingest.settings import Stores

AfterStep = Callable[[str], None]


@dataclass(frozen=True)
class Surroundings:
    """Where a step runs: the stores, the folder of mounted Secrets, and what tests listen to."""

    stores: Stores
    secrets: Path
    wait: Callable[[float], None] = time.sleep
    after_step: AfterStep = lambda _: None


def index(order: BuildOrder, around: Surroundings) -> Report:
    """Indexes, gates, and the swap unless a person is to approve it. Raises ProblemError where
    nothing was begun."""
    connection, publisher = _open(order, around)
    with connection:
        asked = read_asked(connection, order.request)
        if asked is None:
            raise ProblemError(Reason.INTERNAL, "nothing was loaded for this request: run load")
        version = read_version(connection, asked.number)
        outcome = "unchanged" if asked.unchanged else "swapped"
        # A build's swap holds only for the world that it was begun in.
        return _published(publisher, version, outcome, version.planned_on)


def swap(order: SwapOrder, around: Surroundings) -> Report:
    """To a kept, ready or overridden version, and drop what is kept no longer; only the latter
    where the order names no version. Raises ProblemError(VERSION_GONE)."""
    connection, publisher = _open(order, around, tuple(order.override))
    with connection:
        if order.number is None:
            publisher.drop_old()
            return Report(outcome="dropped", warnings=publisher.warnings)
        # Before anything that takes its time: what is live now is what the order was made for.
        term = read_live(connection).term
        return _published(publisher, _there(connection, order.number), "swapped", term)


def _open(
    order: BuildOrder | SwapOrder, around: Surroundings, override: tuple[str, ...] = ()
) -> tuple[Connection, Publisher]:
    connection, pgvector = open_database(around.stores.database_url, order.pipeline)
    mark_lost(connection)
    publisher = Publisher(
        connection=connection,
        connect=lambda: reconnect(around.stores.database_url, order.pipeline),
        cache=open_cache(around.stores.redis_url),
        order=order,
        judge=Judge(connection, order.spec, lambda found: make_embedder(found, around.secrets)),
        pgvector=pgvector,
        override=override,
        wait=around.wait,
        after_step=around.after_step,
    )
    return connection, publisher


def _there(connection: Connection, number: int) -> Version:
    kept = numbers_in(connection, "live", "kept", "ready")
    try:
        version = read_version(connection, number)
    except LookupError:
        version = None
    if version is None or version.state in ("building", "dropping", "dropped"):
        there = ", ".join(map(str, sorted(kept))) or "none"
        raise ProblemError(
            Reason.VERSION_GONE,
            f"there is no version {number} to swap in; those that are there: {there}",
        )
    return version


def _published(publisher: Publisher, version: Version, outcome: str, planned_on: int) -> Report:
    """From where the version stands to live, and what came of it."""
    connection, order = publisher.connection, publisher.order
    against, problem, made, moved = compared_with(connection, version), None, None, []
    try:
        if isinstance(order, BuildOrder) and version.state == "kept":
            raise not_wanted(version)
        publisher.prepare(version)
        if isinstance(order, BuildOrder) and _waits(connection, order, version.number):
            outcome, moved = "ready", publisher.judge.moved(version, against)
        else:
            made = publisher.go_live(version, planned_on)
    except ProblemError as error:
        outcome, problem = "failed", error.problem
    found = read_version(connection, version.number)
    report = report_of(connection, found, outcome, against)
    if outcome in ("swapped", "unchanged"):
        publisher.drop_old()
    return report.model_copy(
        update={
            "swap": made,
            "moved": moved,
            "previous": against,
            "problem": problem,
            "seconds": {"load": round(found.load_seconds, 2), **publisher.phases.seconds},
            "warnings": publisher.warnings,
        }
    )


def _waits(connection: Connection, order: BuildOrder, number: int) -> bool:
    """Whether a person is to decide; not where the version is live already."""
    manual = order.spec.reindex.approval == "Manual"
    return manual and read_live(connection).number != number
