"""Index versions as rows: what is live, what a build request became, and states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from ragwright_core.index import queries, tables
from ragwright_core.index.descriptor import Descriptor

State = Literal["building", "ready", "live", "kept", "failed", "dropping", "dropped"]


@dataclass(frozen=True)
class Version:
    """A row of index_version. `planned_on` is the live term when it was begun."""

    number: int
    id: str
    state: State
    descriptor: Descriptor
    manifest: str
    planned_on: int
    documents: int
    failed: int
    chunks: int
    embedded: int
    reused: int
    verdicts: list[dict[str, Any]]
    load_seconds: float


@dataclass(frozen=True)
class Live:
    """The pointer: which version answers questions. `number` is None before the first swap."""

    number: int | None
    term: int
    epoch: int


@dataclass(frozen=True)
class Asked:
    """What a build request became: a version to build, or the live one where nothing changed."""

    number: int
    unchanged: bool


def read_live(connection: psycopg.Connection[Any]) -> Live:
    with connection.cursor(row_factory=class_row(Live)) as cursor:
        live = cursor.execute(queries.POINTER).fetchone()
    assert live is not None, "layout 1 inserts the row"
    return live


def read_version(connection: psycopg.Connection[Any], number: int) -> Version:
    """One version. Raises LookupError when there is none of this number."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(queries.READ_VERSION, [number]).fetchone()
    if row is None:
        raise LookupError(f"there is no index version {number}")
    return Version(**{**row, "descriptor": Descriptor.model_validate(row["descriptor"])})


def read_asked(connection: psycopg.Connection[Any], request: str) -> Asked | None:
    with connection.cursor(row_factory=class_row(Asked)) as cursor:
        return cursor.execute(queries.READ_REQUEST, [request]).fetchone()


def numbers_in(connection: psycopg.Connection[Any], *states: State) -> list[int]:
    """Numbers of the versions in these states, newest first."""
    rows = connection.execute(queries.NUMBERS_IN, [list(states)])
    return [number for (number,) in rows]


def joins(version: Version | None, term: int) -> bool:
    """Whether a build request goes on with the version it has, or needs a new one.

    A request whose version failed, or is no longer live because settings went there and back, is
    built anew; so is one that was planned before another swap, for its own would be refused.
    """
    if version is None:
        return False
    if version.state in ("building", "ready"):
        return version.planned_on == term
    return version.state == "live"


def is_unchanged(live: Version | None, descriptor: Descriptor, manifest: str) -> bool:
    """Same documents, cut and embedded alike: nothing to build, wherever they now come from."""
    return (
        live is not None
        and live.state == "live"
        and live.manifest == manifest
        and _cut_alike(live.descriptor, descriptor)
        and live.descriptor.embedding.fingerprint == descriptor.embedding.fingerprint
    )


def _cut_alike(one: Descriptor, other: Descriptor) -> bool:
    """The texts, for meaning and for words."""
    alike = one.shape == other.shape or ("" != one.chunking == other.chunking)
    return alike and one.language == other.language


def fit(connection: psycopg.Connection[Any], number: int, descriptor: Descriptor) -> None:
    """Note that a version fits another spec, and other revisions with the same documents."""
    fits = descriptor.model_dump(include={"shape", "chunking", "revisions"})
    connection.execute(queries.FIT, {"number": number, "fits": Jsonb(fits)})


@dataclass(frozen=True)
class Begun:
    """What a new version's row says at first."""

    reason: str
    descriptor: Descriptor
    manifest: str
    documents: int
    planned_on: int


def create_version(connection: psycopg.Connection[Any], begun: Begun) -> int:
    """A new version's row and fresh tables; the caller holds the bootstrap lock and transaction."""
    descriptor = begun.descriptor
    values = {**vars(begun), "descriptor": Jsonb(descriptor.model_dump(mode="json"))}
    row = connection.execute(queries.CREATE_VERSION, values).fetchone()
    assert row is not None
    number = int(row[0])
    connection.execute(tables.create_documents(number))
    connection.execute(tables.create_pending_index(number))
    connection.execute(
        tables.create_chunks(number, descriptor.embedding.dimensions, descriptor.language)
    )
    return number


def record_request(
    connection: psycopg.Connection[Any], request: str, number: int, *, unchanged: bool
) -> None:
    connection.execute(
        queries.RECORD_REQUEST, {"request": request, "number": number, "unchanged": unchanged}
    )


def abandon_others(connection: psycopg.Connection[Any], number: int) -> None:
    """End every build but that of `number`: one is wanted at a time, the one asked for last."""
    connection.execute(queries.ABANDON_OTHERS, [number])


def read_state(connection: psycopg.Connection[Any], number: int) -> State:
    row = connection.execute(queries.READ_STATE, [number]).fetchone()
    assert row is not None, "rows of index_version are never deleted"
    state: State = row[0]
    return state


def previous(connection: psycopg.Connection[Any]) -> int | None:
    """The kept version that was live last."""
    row = connection.execute(queries.PREVIOUS).fetchone()
    return None if row is None else int(row[0])


def read_sentences(connection: psycopg.Connection[Any], number: int) -> list[list[float]] | None:
    """Vectors of the fixed sentences as they were when the version was built; None: not stored."""
    row = connection.execute(queries.READ_SENTENCES, [number]).fetchone()
    return None if row is None else row[0]


def keep_sentences(
    connection: psycopg.Connection[Any], number: int, vectors: list[list[float]]
) -> None:
    """Store them, once."""
    values = {"number": number, "sentences": Jsonb(vectors)}
    connection.execute(queries.KEEP_SENTENCES, values)


def mark_lost(connection: psycopg.Connection[Any]) -> list[int]:
    """Mark versions as dropped whose tables are gone, so that nothing counts on them."""
    return [number for (number,) in connection.execute(queries.MARK_LOST)]


def mark(connection: psycopg.Connection[Any], number: int, state: State) -> None:
    connection.execute(queries.MARK, {"number": number, "state": state})
