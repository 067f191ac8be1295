"""Rows of index versions: reading, creating and changing them, and reading the live pointer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from ragwright_core.index import queries
from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor
from ragwright_core.index.sentences import Identified
from ragwright_core.index.version import indexes, presence, tables
from ragwright_core.index.version.columns import LAYOUT
from ragwright_core.index.version.states import UNDER_WAY, State


@dataclass(frozen=True)
class Version:
    """A row of index_version. `planned_on` is the live term at the time the version was begun."""

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
class Pointer:
    """Which version answers questions. `number` is None before the first swap."""

    number: int | None
    term: int
    epoch: int


@dataclass(frozen=True)
class Asked:
    """The result of a build request: a version to build, or the live one if nothing changed."""

    number: int
    unchanged: bool


def read_pointer(connection: psycopg.Connection[Any]) -> Pointer:
    with connection.cursor(row_factory=class_row(Pointer)) as cursor:
        live = cursor.execute(queries.POINTER).fetchone()
    assert live is not None, "layout 1 inserts the row"
    return live


def read_version(connection: psycopg.Connection[Any], number: int) -> Version:
    """Read a version. Raises LookupError when no version has this number."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(queries.READ_VERSION, [number]).fetchone()
    if row is None:
        raise LookupError(f"there is no index version {number}")
    return Version(**{**row, "descriptor": Descriptor.read(row["descriptor"])[0]})


def read_asked(connection: psycopg.Connection[Any], request: str) -> Asked | None:
    with connection.cursor(row_factory=class_row(Asked)) as cursor:
        return cursor.execute(queries.READ_REQUEST, [request]).fetchone()


def numbers_in(connection: psycopg.Connection[Any], *states: State) -> list[int]:
    """Numbers of the versions in these states, newest first."""
    rows = connection.execute(queries.NUMBERS_IN, [list(states)])
    return [number for (number,) in rows]


def layouts_in(connection: psycopg.Connection[Any], *states: State) -> dict[int, int]:
    """Numbers of the versions in these states, with their layouts, newest first."""
    return dict(connection.execute(queries.LAYOUTS_IN, [list(states)]).fetchall())


def joins(version: Version | None, term: int) -> bool:
    """Whether a build request goes on with the version it has, or needs a new one.

    It needs a new one if its version failed, or is no longer live because settings were changed
    there and back; if another swap came after its planning, as its own swap would be refused; and
    if another release began to build it without asking which model embeds, or with tables of
    another layout.
    """
    if version is None:
        return False
    made = version.descriptor
    if version.state == "building" and not (made.embedding.identity and made.layout == LAYOUT):
        return False
    if version.state in UNDER_WAY:
        return version.planned_on == term
    return version.state == "live"


def is_unchanged(live: Version | None, descriptor: Descriptor, manifest: str) -> bool:
    """Whether the live version has the same documents, cut and embedded alike, so that there is
    nothing to build, even if they now come from elsewhere. A live version whose model was never
    identified may hold any vectors, and counts as changed."""
    return (
        live is not None
        and live.state == "live"
        and live.manifest == manifest
        and _cut_alike(live.descriptor, descriptor)
        and live.descriptor.embedding.identity != ""
        and live.descriptor.embedding.fingerprint == descriptor.embedding.fingerprint
    )


def _cut_alike(one: Descriptor, other: Descriptor) -> bool:
    """Whether the chunks' texts are the same, and their lexemes."""
    alike = one.shape == other.shape or ("" != one.chunking == other.chunking)
    return alike and one.language == other.language


def fit(connection: psycopg.Connection[Any], number: int, descriptor: Descriptor) -> None:
    """Record that a version fits another spec, or other revisions with the same documents."""
    fits = descriptor.model_dump(include={"shape", "chunking", "revisions", "left_out"})
    connection.execute(queries.FIT, {"number": number, "fits": Jsonb(fits)})


@dataclass(frozen=True)
class Begun:
    """The first content of a new version's row. `why` goes into the column `reason`."""

    why: str
    descriptor: Descriptor
    sentences: list[list[float]]
    manifest: str
    documents: int
    planned_on: int


def create_version(connection: psycopg.Connection[Any], begun: Begun) -> int:
    """Create a version's row and tables. The caller holds the bootstrap lock, in a transaction."""
    descriptor = begun.descriptor
    values = {
        **vars(begun),
        "descriptor": Jsonb(descriptor.model_dump(mode="json")),
        "sentences": Jsonb(begun.sentences),
    }
    row = connection.execute(queries.CREATE_VERSION, values).fetchone()
    assert row is not None
    number = int(row[0])
    connection.execute(tables.create_documents(number))
    connection.execute(indexes.create_pending(number))
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
    """End every build but that of `number`: only the build that was requested last is wanted."""
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


def read_sentences(connection: psycopg.Connection[Any], number: int) -> list[list[float]]:
    """Vectors of the fixed sentences by the version's model, which must have an identity."""
    row = connection.execute(queries.READ_SENTENCES, [number]).fetchone()
    assert row is not None and row[0] is not None, "stored with the version's row"  # noqa: PT018
    sentences: list[list[float]] = row[0]
    return sentences


def read_models(connection: psycopg.Connection[Any]) -> list[Identified]:
    """Every model that ever embedded for this pipeline, the last one first."""
    rows = connection.execute(queries.READ_MODELS)
    return [
        Identified(EmbeddingDescriptor.model_validate(embedding), sentences)
        for embedding, sentences in rows
    ]


def mark_lost(connection: psycopg.Connection[Any]) -> list[int]:
    """Mark versions whose tables are gone as dropped, so that nothing counts on them."""
    return [number for (number,) in connection.execute(presence.MARK_LOST)]


def mark(connection: psycopg.Connection[Any], number: int, state: State) -> None:
    connection.execute(queries.MARK, {"number": number, "state": state})
