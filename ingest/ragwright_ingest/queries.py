"""SQL of a build: listing, claiming, counting, checking."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from ragwright_core.index.tables import vector_type
from ragwright_core.names import chunks_table, documents_table

_CHUNK_COLUMNS = (
    "document", "position", "source", "path", "url", "title", "first_line", "last_line",
    "start_offset", "end_offset", "text", "hash", "metadata", "embedding",
)  # fmt: skip
_CHUNK_TYPES = (
    "int4", "int4", "text", "text", "text", "text", "int4", "int4",
    "int4", "int4", "text", "bytea", "jsonb",
)  # fmt: skip


def _with(template: LiteralString, number: int) -> sql.Composed:
    return sql.SQL(template).format(
        documents=sql.Identifier(documents_table(number)),
        chunks=sql.Identifier(chunks_table(number)),
    )


def copy_documents(number: int) -> sql.Composed:
    return _with("COPY {documents} (source, path, hash, bytes, url) FROM STDIN", number)


def copy_chunks(number: int) -> sql.Composed:
    # Binary: as text, parsing the vectors makes it ten times slower (measured).
    columns = sql.SQL(", ").join(map(sql.Identifier, _CHUNK_COLUMNS))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(chunks_table(number)), columns
    )


def chunk_types(dimensions: int) -> list[str]:
    return [*_CHUNK_TYPES, vector_type(dimensions)]


def claim(number: int) -> sql.Composed:
    """One pending document that no other worker holds; held until the transaction ends."""
    return _with(
        "SELECT id, source, path, hash, url FROM {documents} WHERE state = 'pending' "
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
        "SELECT path || ': ' || problem FROM {documents} WHERE state = 'failed' "
        "ORDER BY id LIMIT 10",
        number,
    )


def reusable(number: int) -> sql.Composed:
    """Vectors of a kept version by the hashes of their texts."""
    return _with(
        "SELECT DISTINCT ON (hash) hash, embedding FROM {chunks} WHERE hash = ANY(%s)", number
    )


def changes(number: int, live: int) -> sql.Composed:
    """Rows (changed, new, gone) of `number` against the documents of `live`."""
    return sql.SQL(
        """
        SELECT count(*) FILTER (WHERE fresh.hash <> old.hash),
               count(*) FILTER (WHERE old.path IS NULL),
               count(*) FILTER (WHERE fresh.path IS NULL)
        FROM {fresh} AS fresh FULL JOIN {old} AS old USING (source, path)"""
    ).format(
        fresh=sql.Identifier(documents_table(number)), old=sql.Identifier(documents_table(live))
    )


def explain(statement: sql.Composed) -> sql.Composed:
    return sql.SQL("EXPLAIN (FORMAT JSON) ") + statement


def sample_vectors(number: int) -> sql.Composed:
    return _with("SELECT embedding FROM {chunks} ORDER BY hash LIMIT %s", number)


def names_document(number: int) -> sql.Composed:
    return _with("SELECT 1 FROM {documents} WHERE %(source)s IN (path, url) LIMIT 1", number)


def some_paths(number: int) -> sql.Composed:
    """Enough to find one that was misspelt."""
    return _with("SELECT path FROM {documents} ORDER BY path LIMIT 5000", number)


def ann_index(number: int) -> str:
    return f"{chunks_table(number)}_ann"


def create_ann_index(number: int, dimensions: int) -> sql.Composed:
    operators = "vector_cosine_ops" if vector_type(dimensions) == "vector" else "halfvec_cosine_ops"
    return sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} USING hnsw (embedding {})").format(
        sql.Identifier(ann_index(number)),
        sql.Identifier(chunks_table(number)),
        sql.Identifier(operators),
    )


def create_hash_index(number: int) -> sql.Composed:
    return sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} (hash)").format(
        sql.Identifier(f"{chunks_table(number)}_hash"), sql.Identifier(chunks_table(number))
    )


# Work that takes hours is not a stuck statement, and a slow endpoint is not an idle client. A pod
# that was cut off is noticed by the server within 60 s: only then do its claims come free.
SESSION: LiteralString = (
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0; "
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = '60s'"
)


def create_metadata_index(number: int) -> sql.Composed:
    return sql.SQL(
        "CREATE INDEX IF NOT EXISTS {} ON {} USING gin (metadata jsonb_path_ops)"
    ).format(
        sql.Identifier(f"{chunks_table(number)}_metadata"), sql.Identifier(chunks_table(number))
    )


def analyze(number: int) -> sql.Composed:
    return _with("ANALYZE {chunks}, {documents}", number)


def set_build_memory(memory_bytes: int) -> sql.Composed:
    return sql.SQL("SET maintenance_work_mem = {}").format(sql.Literal(f"{memory_bytes // 1024}kB"))


def set_build_workers(workers: int) -> sql.Composed:
    return sql.SQL("SET max_parallel_maintenance_workers = {}").format(sql.Literal(workers))


def measure(number: int) -> sql.Composed:
    """(documents, failed, chunks, chunks of another width, chunks that are zero or not finite).

    The norm of a vector with a NaN or an infinity is NaN or infinite.
    """
    return _with(
        """
        SELECT (SELECT count(*) FROM {documents}),
               (SELECT count(*) FROM {documents} WHERE state = 'failed'),
               count(*),
               count(*) FILTER (WHERE vector_dims(embedding::vector) <> %(dimensions)s),
               count(*) FILTER (WHERE NOT (vector_norm(embedding::vector) > 0
                                           AND vector_norm(embedding::vector) < 'Infinity'))
        FROM {chunks}""",
        number,
    )


# The last statement of a batch: workers queue for this row until the other's COMMIT.
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
    """Who owns a schema, what is live in it, and how large it is."""
    return sql.SQL(
        """
        SELECT %(schema)s::text AS schema, owner.cluster, owner.uid, owner.since::text AS since,
               (SELECT number FROM {live}) AS live,
               (SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint
                FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname = %(schema)s::text AND relkind = 'r') AS bytes
        FROM {owner} AS owner"""
    ).format(live=sql.Identifier(schema, "live"), owner=sql.Identifier(schema, "owner"))
