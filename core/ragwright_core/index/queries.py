"""SQL about index versions. The SQL that makes the schema is in `migrations.py`, and the SQL about
a version's own tables is in `version/`.

Connections have `search_path` set to the pipeline's schema and pgvector's (`connect.py`), so
that only the names of numbered tables have to be composed.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from ragwright_core.index.version.states import UNDER_WAY, listed

READ_LIVE: LiteralString = """
    SELECT live.term, live.epoch, live.number, version.id::text AS id, version.descriptor
    FROM live LEFT JOIN index_version AS version USING (number)"""

READ_LIVE_SENTENCES: LiteralString = """
    SELECT version.id::text AS id, version.descriptor, version.sentences
    FROM live JOIN index_version AS version USING (number)"""

READ_SENTENCES: LiteralString = "SELECT sentences FROM index_version WHERE number = %s"

# One row for each model that ever embedded for this pipeline; rows are never deleted.
READ_MODELS: LiteralString = """
    SELECT descriptor -> 'embedding', sentences FROM index_version
    WHERE number IN (SELECT max(number) FROM index_version
                     WHERE sentences IS NOT NULL
                       AND coalesce(descriptor #>> '{embedding,identity}', '') <> ''
                     GROUP BY descriptor -> 'embedding')
    ORDER BY number DESC"""

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

# The version that was live last is the most useful one. After a rollback, this is not the newest.
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

# Numbers of versions with their `Descriptor.layout`.
LAYOUTS_IN: LiteralString = """
    SELECT number, coalesce((descriptor ->> 'layout')::integer, 1) FROM index_version
    WHERE state = ANY(%s) ORDER BY number DESC"""

READ_REQUEST: LiteralString = "SELECT number, unchanged FROM build_request WHERE request = %s"

RECORD_REQUEST: LiteralString = """
    INSERT INTO build_request (request, number, unchanged)
    VALUES (%(request)s, %(number)s, %(unchanged)s)
    ON CONFLICT (request) DO UPDATE
    SET number = excluded.number, unchanged = excluded.unchanged, asked_at = clock_timestamp()"""

CREATE_VERSION: LiteralString = """
    INSERT INTO index_version (reason, descriptor, sentences, manifest, documents, planned_on)
    VALUES (%(why)s, %(descriptor)s, %(sentences)s, %(manifest)s, %(documents)s, %(planned_on)s)
    RETURNING number"""

FIT: LiteralString = """
    UPDATE index_version SET descriptor = descriptor || %(fits)s WHERE number = %(number)s"""

ABANDON_OTHERS = sql.SQL(
    """
    UPDATE index_version SET state = 'failed'
    WHERE state = ANY ({states}) AND number <> %s"""
).format(states=listed(UNDER_WAY))

MARK: LiteralString = "UPDATE index_version SET state = %(state)s WHERE number = %(number)s"

CREATE_EXTENSION: LiteralString = "CREATE EXTENSION vector"

ENCODING: LiteralString = "SHOW server_encoding"

HAS_SCHEMA: LiteralString = "SELECT 1 FROM pg_namespace WHERE nspname = %s"

EXTENSION_VERSION: LiteralString = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"

HAS_LAYOUT: LiteralString = """
    SELECT 1 FROM pg_tables WHERE schemaname = %(schema)s AND tablename = 'layout'"""

HAS_OWNER: LiteralString = """
    SELECT 1 FROM pg_tables WHERE schemaname = %(schema)s AND tablename = 'owner'"""

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

# A Job that stalls in the middle of a swap would block every other swap.
SHORT_IDLE_TIMEOUT: LiteralString = "SET LOCAL idle_in_transaction_session_timeout = '3s'"

# The existing views, and the tables that each of them reads.
COVERED: LiteralString = """
    SELECT DISTINCT view.relname, read.relname
    FROM pg_class AS view
    JOIN pg_rewrite AS rule ON rule.ev_class = view.oid
    JOIN pg_depend AS needs ON needs.classid = 'pg_rewrite'::regclass AND needs.objid = rule.oid
    JOIN pg_class AS read ON needs.refclassid = 'pg_class'::regclass AND needs.refobjid = read.oid
    WHERE view.oid IN (to_regclass('documents'), to_regclass('chunks'))
      AND read.oid <> view.oid AND read.oid <> 'live'::regclass"""

DROP_VIEWS: LiteralString = "DROP VIEW IF EXISTS documents, chunks"


def create_schema(schema: str) -> sql.Composed:
    return sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema))


def drop_schema(schema: str) -> sql.Composed:
    return sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))


def owner_of(schema: str) -> sql.Composed:
    return sql.SQL("SELECT cluster, uid FROM {}").format(sql.Identifier(schema, "owner"))
