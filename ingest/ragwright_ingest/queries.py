"""SQL of a build: listing, claiming, counting, checking."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from ragwright_core.names import chunks_table, documents_table
from ragwright_ingest.surroundings import CutOff


def _with(template: LiteralString, number: int) -> sql.Composed:
    return sql.SQL(template).format(
        documents=sql.Identifier(documents_table(number)),
        chunks=sql.Identifier(chunks_table(number)),
    )


def claim(number: int) -> sql.Composed:
    """Claim a pending document that no other worker holds, until the transaction ends."""
    return _with(
        "SELECT id, source, path, hash AS mark, url FROM {documents} WHERE state = 'pending' "
        "AND id > %(after)s ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
        number,
    )


def finish_document(number: int) -> sql.Composed:
    return _with(
        "UPDATE {documents} SET state = %(state)s, problem = %(problem)s, title = %(title)s, "
        "chunks = %(chunks)s WHERE id = %(id)s",
        number,
    )


def pending(number: int) -> sql.Composed:
    return _with("SELECT count(*) FROM {documents} WHERE state = 'pending'", number)


def failed_documents(number: int) -> sql.Composed:
    return _with(
        "SELECT CASE WHEN length(path) > 60 THEN '…' || right(path, 59) ELSE path END "
        "|| ': ' || problem FROM {documents} WHERE state = 'failed' ORDER BY id LIMIT 10",
        number,
    )


def reusable(number: int) -> sql.Composed:
    """Vectors of a kept version, by the hashes of their texts."""
    return _with(
        "SELECT DISTINCT ON (hash) hash, embedding FROM {chunks} WHERE hash = ANY(%s)", number
    )


def changes(number: int, live: int) -> sql.Composed:
    """Count how the documents of `number` differ from those of `live`."""
    return sql.SQL(
        """
        SELECT count(*) FILTER (WHERE fresh.hash <> old.hash) AS changed,
               count(*) FILTER (WHERE old.path IS NULL) AS new,
               count(*) FILTER (WHERE fresh.path IS NULL) AS gone
        FROM {fresh} AS fresh FULL JOIN {old} AS old USING (source, path)"""
    ).format(
        fresh=sql.Identifier(documents_table(number)), old=sql.Identifier(documents_table(live))
    )


def explain(statement: sql.Composed) -> sql.Composed:
    return sql.SQL("EXPLAIN (FORMAT JSON) ") + statement


def sample_vectors(number: int) -> sql.Composed:
    return _with("SELECT embedding FROM {chunks} ORDER BY hash LIMIT %(count)s", number)


def names_document(number: int) -> sql.Composed:
    return _with("SELECT 1 FROM {documents} WHERE %(source)s IN (path, url) LIMIT 1", number)


def some_paths(number: int) -> sql.Composed:
    """Enough paths to suggest the right one for a misspelt path."""
    return _with("SELECT path FROM {documents} ORDER BY path LIMIT 5000", number)


def session(cut_off: CutOff) -> sql.Composed:
    """Settings of a Job's session. There are no time limits for long work or slow endpoints, but
    the server notices a client that was cut off."""
    settings = {
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "lock_timeout": "0",
        "tcp_keepalives_idle": f"{cut_off.idle}",
        "tcp_keepalives_interval": f"{cut_off.interval}",
        "tcp_keepalives_count": f"{cut_off.count}",
        "tcp_user_timeout": f"{cut_off.unacknowledged}s",
    }
    return sql.SQL("; ").join(
        sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in settings.items()
    )


def analyze(number: int) -> sql.Composed:
    return _with("ANALYZE {chunks}, {documents}", number)


def set_build_memory(memory_bytes: int) -> sql.Composed:
    return sql.SQL("SET maintenance_work_mem = {}").format(sql.Literal(f"{memory_bytes // 1024}kB"))


def set_build_workers(workers: int) -> sql.Composed:
    return sql.SQL("SET max_parallel_maintenance_workers = {}").format(sql.Literal(workers))


def measure(number: int) -> sql.Composed:
    """The columns of gates.Measured. A vector with a NaN or an infinity has a norm that is NaN or
    infinite."""
    return _with(
        """
        SELECT (SELECT count(*) FROM {documents}) AS documents,
               (SELECT count(*) FROM {documents} WHERE state = 'failed') AS failed,
               count(*) AS chunks,
               count(*) FILTER (WHERE vector_dims(embedding::vector) <> %(dimensions)s)
                   AS wrong_dimensions,
               count(*) FILTER (WHERE NOT (vector_norm(embedding::vector) > 0
                                           AND vector_norm(embedding::vector) < 'Infinity'))
                   AS broken_vectors
        FROM {chunks}""",
        number,
    )


# This must be a batch's last statement, because workers wait for this row until another's COMMIT.
ADD_COUNTS: LiteralString = """
    UPDATE index_version
    SET chunks = chunks + %(chunks)s, failed = failed + %(failed)s,
        embedded = embedded + %(embedded)s, reused = reused + %(reused)s
    WHERE number = %(number)s"""

MARK_LOADED: LiteralString = """
    UPDATE index_version SET loaded_at = clock_timestamp()
    WHERE number = %(number)s AND loaded_at IS NULL"""

KEEP_COUNTS: LiteralString = """
    UPDATE index_version SET failed = %(failed)s, chunks = %(chunks)s WHERE number = %(number)s"""

KEEP_VERDICTS: LiteralString = """
    UPDATE index_version SET verdicts = %(verdicts)s WHERE number = %(number)s"""

MARK_BUILT: LiteralString = """
    UPDATE index_version SET state = %(state)s, ready_at = clock_timestamp()
    WHERE number = %(number)s AND state = ANY(%(was)s)"""

END_FOR_CHANGED_SOURCE: LiteralString = """
    UPDATE index_version SET state = 'failed', problem = %(problem)s
    WHERE number = %(number)s AND state = 'building'"""

READ_PROGRESS: LiteralString = "SELECT state, problem FROM index_version WHERE number = %s"


OUR_SCHEMAS: LiteralString = """
    SELECT schemaname FROM pg_tables WHERE tablename = 'owner' AND schemaname LIKE 'rag\\_%%'
    ORDER BY schemaname"""


def leftover(schema: str) -> sql.Composed:
    """The owner of a schema, the live version in it, its size, and whether it seems to be used:
    sessions name their schema as application, and a build or a swap leaves its time."""
    return sql.SQL(
        """
        SELECT %(schema)s::text AS schema, owner.cluster, owner.uid, owner.since::text AS since,
               (SELECT number FROM {live}) AS live,
               (SELECT count(*) FROM pg_stat_activity
                WHERE application_name = %(schema)s::text) AS sessions,
               coalesce((SELECT max(greatest(started_at, swapped_at)) FROM {versions})
                        > now() - interval '1 day', false) AS recent,
               (SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint
                FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname = %(schema)s::text AND relkind = 'r') AS bytes
        FROM {owner} AS owner"""
    ).format(
        live=sql.Identifier(schema, "live"),
        owner=sql.Identifier(schema, "owner"),
        versions=sql.Identifier(schema, "index_version"),
    )
