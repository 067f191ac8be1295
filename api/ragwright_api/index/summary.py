"""The internal port's summary of the index: figures, and whether the tables exist."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from ragwright_api.index import queries
from ragwright_api.index.connection import Connection
from ragwright_core.index.descriptor import Descriptor
from ragwright_core.index.version.presence import IS_WHOLE
from ragwright_core.report import Building, Calls, IndexSummary, LiveVersionSummary, OtherVersion

Row = dict[str, Any]


async def read_summary(connection: Connection) -> IndexSummary:
    """The summary, also of a database that was restored or changed by hand, because the operator
    decides by it about a repair."""
    cursor = connection.cursor(row_factory=dict_row)
    live = await (await cursor.execute(queries.SUMMARY)).fetchone()
    others = await (await cursor.execute(queries.OTHERS)).fetchall()
    building = await (await cursor.execute(queries.BUILDING)).fetchone()
    kept = [row for row in others if row["state"] == "kept"]
    return IndexSummary(
        term=live["term"] if live else None,
        live=await _live(connection, live) if live and live["number"] is not None else None,
        previous=max(kept, key=_last_live)["number"] if kept else None,
        building=await _building(connection, building) if building else None,
        others=[await _other(connection, row) for row in others],
        calls=await _calls(connection),
        pushes=await read_pushes(connection),
    )


async def _calls(connection: Connection) -> Calls | None:
    try:
        async with connection.transaction():  # a transaction around it must outlive the error
            row = await (await connection.execute(queries.CALLS)).fetchone()
    except psycopg.errors.UndefinedTable:  # a layout before the next build migrates it
        return None
    return Calls(made=row[0], saved=row[1]) if row else None


async def read_pushes(connection: Connection) -> dict[str, str]:
    """For each source whose webhook was called, a word that each new call changes."""
    try:
        async with connection.transaction():
            rows = await (await connection.execute(queries.PUSHES)).fetchall()
    except psycopg.errors.UndefinedTable:  # likewise
        return {}
    return dict(rows)


def _last_live(row: Row) -> float:
    return row["swapped_at"].timestamp() if row["swapped_at"] else 0.0


async def _live(connection: Connection, row: Row) -> LiveVersionSummary:
    descriptor, _ = Descriptor.read(row["descriptor"])
    return LiveVersionSummary(
        number=row["number"],
        term=row["term"],
        shape=descriptor.shape,
        source_revision=descriptor.source_revision,
        embedding_fingerprint=descriptor.embedding.fingerprint,
        documents=row["documents"],
        chunks=row["chunks"],
        swapped_at=row["swapped_at"].isoformat(timespec="seconds"),
        intact=await _is_intact(connection, row),
    )


async def _other(connection: Connection, row: Row) -> OtherVersion:
    # A row may say `live` although the pointer is elsewhere, if somebody moved it by hand.
    state = "kept" if row["state"] == "live" else row["state"]
    return OtherVersion(
        number=row["number"],
        state=state,
        shape=Descriptor.read(row["descriptor"])[0].shape,
        intact=await _is_intact(connection, row),
    )


async def _is_intact(connection: Connection, row: Row) -> bool:
    """Whether both tables exist, and are not empty if they should have rows."""
    number = row["number"]
    there = await (await connection.execute(IS_WHOLE, {"number": number})).fetchone()
    if not (there and there[0]):
        return False
    try:
        async with connection.transaction():
            filled = await (await connection.execute(queries.has_chunks(number))).fetchone()
    except psycopg.errors.UndefinedTable:  # dropped since
        return False
    return row["chunks"] == 0 or bool(filled and filled[0])


async def _building(connection: Connection, row: Row) -> Building | None:
    try:
        done = await (await connection.execute(queries.done(row["number"]))).fetchone()
    except psycopg.errors.UndefinedTable:  # dropped since: that build is over
        return None
    return Building(
        number=row["number"],
        phase="index" if row["loaded"] else "load",
        done=done[0] if done else 0,
        total=row["documents"],
    )
