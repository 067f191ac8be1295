"""SQL about index versions. That which made the schema is in `migrations.py`, that about a
version's own tables in `tables.py`.

Connections have `search_path` set to the pipeline's schema and pgvector's (`connect.py`), so
that only the numbered tables need an identifier put together here.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from ragwright_core.names import chunks_table, documents_table

READ_LIVE: LiteralString = """
    SELECT live.term, live.epoch, live.number, version.id::text AS id, version.descriptor
    FROM live LEFT JOIN index_version AS version USING (number)"""

READ_LIVE_SENTENCES: LiteralString = """
    SELECT version.id::text AS id, version.descriptor, version.sentences
    FROM live JOIN index_version AS version USING (number)"""

READ_SENTENCES: LiteralString = "SELECT sentences FROM index_version WHERE number = %s"

KEEP_SENTENCES: LiteralString = """
    UPDATE index_version SET sentences = %(sentences)s
    WHERE number = %(number)s AND sentences IS NULL"""

RAISE_EPOCH: LiteralString = "UPDATE live SET epoch = epoch + 1"

SWAP: LiteralString = """
    UPDATE live SET number = %(number)s, term = term + 1, swapped_at = clock_timestamp()
    WHERE term = %(term)s"""

MARK_SWAPPED: LiteralString = """
    UPDATE index_version
    SET state = CASE WHEN number = %(number)s THEN 'live' ELSE 'kept' END,
        swapped_at = CASE WHEN number = %(number)s THEN clock_timestamp() ELSE swapped_at END
    WHERE number = %(number)s OR state = 'live'"""


POINTER: LiteralString = "SELECT number, term, epoch FROM live"

LOCK_LIVE: LiteralString = "SELECT number FROM live FOR UPDATE"

# Whoever was live last is worth most, whatever its number: after a rollback the newest is not.
KEPT: LiteralString = """
    SELECT number FROM index_version WHERE state = 'kept'
    ORDER BY swapped_at DESC NULLS LAST, number DESC"""

READ_VERSION: LiteralString = """
    SELECT number, id::text, state, descriptor, manifest, planned_on, documents, failed, chunks,
           embedded, reused, verdicts,
           coalesce(extract(epoch FROM loaded_at - started_at), 0)::float AS load_seconds
    FROM index_version WHERE number = %s"""

READ_STATE: LiteralString = "SELECT state FROM index_version WHERE number = %s"

PREVIOUS: LiteralString = """
    SELECT number FROM index_version WHERE state = 'kept' ORDER BY swapped_at DESC LIMIT 1"""

NUMBERS_IN: LiteralString = """
    SELECT number FROM index_version WHERE state = ANY(%s) ORDER BY number DESC"""

READ_REQUEST: LiteralString = "SELECT number, unchanged FROM build_request WHERE request = %s"

RECORD_REQUEST: LiteralString = """
    INSERT INTO build_request (request, number, unchanged)
    VALUES (%(request)s, %(number)s, %(unchanged)s)
    ON CONFLICT (request) DO UPDATE
    SET number = excluded.number, unchanged = excluded.unchanged, asked_at = clock_timestamp()"""

CREATE_VERSION: LiteralString = """
    INSERT INTO index_version (reason, descriptor, manifest, documents, planned_on)
    VALUES (%(reason)s, %(descriptor)s, %(manifest)s, %(documents)s, %(planned_on)s)
    RETURNING number"""

FIT: LiteralString = """
    UPDATE index_version SET descriptor = descriptor || %(fits)s WHERE number = %(number)s"""

ABANDON_OTHERS: LiteralString = """
    UPDATE index_version SET state = 'failed'
    WHERE state IN ('building', 'ready') AND number <> %s"""

# A version whose tables another hand has dropped, or that a restored backup does not hold.
MARK_LOST: LiteralString = """
    UPDATE index_version SET state = 'dropped'
    WHERE state IN ('live', 'kept', 'ready', 'failed', 'building')
      AND (to_regclass('chunks_v' || number) IS NULL
           OR to_regclass('documents_v' || number) IS NULL
           OR (to_regclass('lexemes_v' || number) IS NULL AND state IN ('live', 'kept')
               AND coalesce(descriptor ->> 'language', '') <> ''))
    RETURNING number"""

# Of a version that lost one of them to another hand, the others are still there.
HAS_REMAINS: LiteralString = """
    SELECT number FROM index_version
    WHERE state = 'dropped'
      AND coalesce(to_regclass('chunks_v' || number), to_regclass('documents_v' || number),
                   to_regclass('lexemes_v' || number)) IS NOT NULL"""

MARK: LiteralString = "UPDATE index_version SET state = %(state)s WHERE number = %(number)s"

CREATE_EXTENSION: LiteralString = "CREATE EXTENSION vector"

HAS_SCHEMA: LiteralString = "SELECT 1 FROM pg_namespace WHERE nspname = %s"

EXTENSION_VERSION: LiteralString = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"

HAS_LAYOUT: LiteralString = """
    SELECT 1 FROM pg_tables WHERE schemaname = %(schema)s AND tablename = 'layout'"""

LAYOUT_VERSION: LiteralString = "SELECT max(version) FROM layout"

RECORD_LAYOUT: LiteralString = "INSERT INTO layout (version) VALUES (%s)"

READ_OWNER: LiteralString = "SELECT cluster, uid FROM owner"

WRITE_OWNER: LiteralString = """
    INSERT INTO owner (cluster, uid) VALUES (%(cluster)s, %(uid)s)
    ON CONFLICT (single) DO UPDATE
    SET cluster = excluded.cluster, uid = excluded.uid, since = clock_timestamp()
    WHERE (owner.cluster, owner.uid) <> (excluded.cluster, excluded.uid)"""

ADVISORY_LOCK: LiteralString = "SELECT pg_advisory_lock(hashtextextended(%(name)s, 0))"

ADVISORY_UNLOCK: LiteralString = "SELECT pg_advisory_unlock(hashtextextended(%(name)s, 0))"

SHORT_LOCK_TIMEOUT: LiteralString = "SET LOCAL lock_timeout = '200ms'"

# A Job that stalls in mid-swap would hold the live row against every other swap.
SHORT_IDLE_TIMEOUT: LiteralString = "SET LOCAL idle_in_transaction_session_timeout = '3s'"

# The views that are there, and the tables that each reads.
COVERED: LiteralString = """
    SELECT DISTINCT view.relname, read.relname
    FROM pg_class AS view
    JOIN pg_rewrite AS rule ON rule.ev_class = view.oid
    JOIN pg_depend AS needs ON needs.classid = 'pg_rewrite'::regclass AND needs.objid = rule.oid
    JOIN pg_class AS read ON needs.refclassid = 'pg_class'::regclass AND needs.refobjid = read.oid
    WHERE view.oid IN (to_regclass('documents'), to_regclass('chunks'))
      AND read.oid <> view.oid AND read.oid <> 'live'::regclass"""

DROP_VIEWS: LiteralString = "DROP VIEW IF EXISTS documents, chunks"


def _guarded(number: int, columns: LiteralString, table: str) -> sql.Composed:
    return sql.SQL(
        "SELECT {columns} FROM {table} WHERE (SELECT number FROM live) = {number}"
    ).format(columns=sql.SQL(columns), table=sql.Identifier(table), number=sql.Literal(number))


def documents_view(numbers: list[int]) -> sql.Composed:
    """`documents` over these versions; each branch runs only while its version is live."""
    branches = [
        _guarded(
            number, "id, source, path, hash, url, title, state, problem", documents_table(number)
        )
        for number in numbers
    ]
    return sql.SQL("CREATE OR REPLACE VIEW documents AS ") + sql.SQL(" UNION ALL ").join(branches)


def chunks_view(numbers: list[int]) -> sql.Composed:
    """`chunks` over these versions; the bare `::vector` keeps the column's type steady."""
    branches = [
        _guarded(
            number,
            "id, document, source, path, url, title, first_line, last_line, text, metadata, "
            "embedding::vector AS embedding",
            chunks_table(number),
        )
        for number in numbers
    ]
    return sql.SQL("CREATE OR REPLACE VIEW chunks AS ") + sql.SQL(" UNION ALL ").join(branches)


def create_schema(schema: str) -> sql.Composed:
    return sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema))


def drop_schema(schema: str) -> sql.Composed:
    return sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema))


def owner_of(schema: str) -> sql.Composed:
    return sql.SQL("SELECT cluster, uid FROM {}").format(sql.Identifier(schema, "owner"))
