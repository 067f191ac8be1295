"""Schemas of pipelines that exist no more: what cannot clean up after itself stays behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from ragwright_core.index.views import TRIES
from ragwright_core.names import PipelineName
from ragwright_core.spec import KIND
from ragwright_ingest import queries
from ragwright_ingest.cleanup import drop_schema
from ragwright_ingest.database import Connection, connect_plain


class SweepError(Exception):
    """What was given cannot be used; the message says what to write instead."""


@dataclass(frozen=True)
class Leftover:
    """A schema of ours that belongs to no pipeline that was listed; `since` is its owner's."""

    schema: str
    cluster: str
    uid: str
    since: str
    live: int | None
    bytes: int


def known_schemas(listing: str) -> set[str]:
    """Schemas of the pipelines in what `kubectl get rag -A -o json` prints. Raises SweepError."""
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
    """Ours are those that hold our owner table; what else is named `rag_` is not looked at."""
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
    """What may go: of one cluster alone. Raises SweepError where that is not clear."""
    clusters = sorted({item.cluster for item in found})
    if cluster is None and len(clusters) > 1:
        raise SweepError(
            "the schemas belong to pipelines of several clusters, and you listed those of one. "
            f"Name it: --cluster {' or '.join(clusters)} (kubectl get namespace kube-system -o "
            "jsonpath={.metadata.uid})"
        )
    return [item for item in found if cluster in (None, item.cluster)]


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


@dataclass(frozen=True)
class Sweep:
    """What was asked for. `confirm` asks a person for a yes; None where there is no terminal."""

    as_json: bool
    drop: bool
    yes: bool
    cluster: str | None
    confirm: Callable[[str], bool] | None


def sweep(url: str, listing: str, asked: Sweep, say: Callable[[str], None]) -> None:
    """List, and drop if asked. Raises SweepError, ProblemError and psycopg.Error."""
    known = known_schemas(listing)
    with connect_plain(url) as connection:
        found = leftovers(connection, known)
        if asked.as_json:
            say(json.dumps([asdict(item) for item in found], indent=1))
        else:
            say(shown(found) if found else "no schema is left over")
        if asked.drop and found:
            _drop(connection, to_drop(found, asked.cluster), asked, say)


def _drop(
    connection: Connection, going: list[Leftover], asked: Sweep, say: Callable[[str], None]
) -> None:
    if not asked.yes:
        if asked.confirm is None:
            raise SweepError("there is no terminal to ask for a yes: add --yes")
        if not asked.confirm(f"Drop {len(going)} schemas for good? Type yes: "):
            raise SweepError("nothing was dropped")
    for item in going:
        try:
            drop_schema(connection, item.schema, TRIES)
        except psycopg.errors.LockNotAvailable:
            say(f"{item.schema} is held by a reader and was left; try again")
        else:
            say(f"dropped {item.schema}")


def as_arguments(parser: Any) -> None:
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    parser.add_argument("--drop", action="store_true", help="drop what is listed")
    parser.add_argument("--yes", action="store_true", help="do not ask before dropping")
    parser.add_argument("--cluster", metavar="ID", help="drop only schemas of this cluster")
