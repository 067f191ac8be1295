"""Schemas of pipelines that no longer exist, which stay behind if a clean-up could not run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from ragwright_core.names import PipelineName
from ragwright_core.spec import KIND
from ragwright_ingest import queries
from ragwright_ingest.database import Connection


class SweepError(Exception):
    """The input cannot be used, and the message says what to write instead."""


@dataclass(frozen=True)
class Leftover:
    """A schema of ours that belongs to no listed pipeline. `since` is when its owner took it.
    `sessions` are connected to it; `recent` says that something was built or swapped in it within
    the last day."""

    schema: str
    cluster: str
    uid: str
    since: str
    live: int | None
    sessions: int
    recent: bool
    bytes: int

    @property
    def used(self) -> str:
        """Why it seems to be in use, in words."""
        plural = "" if self.sessions == 1 else "s"
        signs = [f"{self.sessions} session{plural}" if self.sessions else ""]
        signs.append("a build or swap within the last day" if self.recent else "")
        return " and ".join(filter(None, signs))


def known_schemas(listing: str) -> set[str]:
    """Schemas of the pipelines in the output of `kubectl get rag -A -o json`. Raises SweepError."""
    wanted = "pipe the pipelines that exist: kubectl get rag -A -o json | ragwright-ingest sweep"
    try:
        items = json.loads(listing)["items"]
        pipelines = [item["metadata"] for item in items if item["kind"] == KIND]
        if len(pipelines) != len(items):
            raise SweepError(f"the list holds other things than RagPipelines; {wanted}")
        return {PipelineName(item["namespace"], item["name"]).schema for item in pipelines}
    except (ValueError, KeyError, TypeError):
        raise SweepError(f"standard input holds no list of pipelines; {wanted}") from None


def leftovers(connection: Connection, known: set[str]) -> list[Leftover]:
    """Schemas of ours that are not in `known`. A schema is ours if it has our owner table; other
    schemas whose names begin with `rag_` are ignored."""
    found = []
    for (schema,) in connection.execute(queries.OUR_SCHEMAS).fetchall():
        if schema in known:
            continue
        with connection.cursor(row_factory=class_row(Leftover)) as cursor:
            row = cursor.execute(queries.leftover(schema), {"schema": schema}).fetchone()
        if row is not None:
            found.append(row)
    return found


def to_drop(found: Sequence[Leftover], cluster: str | None) -> list[Leftover]:
    """The schemas to drop, all of the named cluster. Raises SweepError if none of them is named.

    A list of pipelines is of one cluster. Whose it is cannot be seen from it, and a list of another
    cluster names no pipeline of this one.
    """
    clusters = sorted({item.cluster for item in found})
    if cluster not in clusters:
        known = "it owns none of the schemas" if cluster else "a list does not say whose it is"
        raise SweepError(
            f"name the cluster that the list is of ({known}): --cluster {' or '.join(clusters)} "
            "(kubectl get namespace kube-system -o jsonpath={.metadata.uid})"
        )
    return [item for item in found if item.cluster == cluster]


def shown(found: Iterable[Leftover]) -> str:
    """A table of at most 100 columns."""
    rows = [("SCHEMA", "CLUSTER", "UID", "LIVE", "MIB", "SINCE")]
    rows += [
        (
            item.schema[:40],
            item.cluster[:8],
            item.uid[:8],
            str(item.live or "-"),
            f"{item.bytes / 2**20:.1f}",
            item.since[:10],
        )
        for item in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
