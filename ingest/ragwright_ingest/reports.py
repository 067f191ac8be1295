"""Reports of a build, read from its version's row."""

from __future__ import annotations

from psycopg.rows import class_row

from ragwright_core.index.versions import Version, previous, read_pointer, read_version
from ragwright_core.report import Changes, Counts, Report
from ragwright_ingest import queries
from ragwright_ingest.database import Connection

MAX_REVISION = 80  # of a report with twenty sources


def compared_with(connection: Connection, version: Version) -> int | None:
    """The version that this one replaces: the live version, or the previous one if this version is
    live already."""
    live = read_pointer(connection).number
    return previous(connection) if live == version.number else live


def report_of(
    connection: Connection, version: Version, outcome: str, against: int | None
) -> Report:
    """A report of the version's row, and of how its documents differ from those of `against`."""
    dropped = version.state in ("dropping", "dropped")
    failed = [] if dropped else list(connection.execute(queries.failed_documents(version.number)))
    return Report.model_validate(
        {
            "outcome": outcome,
            "number": version.number,
            "shape": version.descriptor.shape,
            "source_revision": version.descriptor.source_revision[:500],
            "revisions": {
                name: revision[:MAX_REVISION]
                for name, revision in version.descriptor.revisions.items()
            },
            "embedding_fingerprint": version.descriptor.embedding.fingerprint,
            "counts": Counts(
                documents=version.documents,
                failed=version.failed,
                chunks=version.chunks,
                embedded=version.embedded,
                reused=version.reused,
            ),
            "changes": Changes() if dropped else _changes(connection, version, against),
            "failed_documents": [text[:150] for (text,) in failed],
            "verdicts": version.verdicts,
            "warnings": [
                f"source {name}: {words}" for name, words in version.descriptor.left_out.items()
            ],
        }
    )


def _changes(connection: Connection, version: Version, against: int | None) -> Changes:
    if against == version.number:
        return Changes()
    if against is None or read_version(connection, against).state == "dropped":
        return Changes(new=version.documents)
    with connection.cursor(row_factory=class_row(Changes)) as cursor:
        [changes] = cursor.execute(queries.changes(version.number, against)).fetchall()
    return changes
