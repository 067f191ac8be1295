"""Whether the tables of a version exist: somebody may have dropped them, and a restored backup may
not hold them."""

from __future__ import annotations

from psycopg import sql

from ragwright_core.index.version.states import HAS_TABLES, UNINDEXED, listed

# A condition on a row of index_version. Only an indexed version that has text search
# (`Descriptor.has_text_search`) has lexemes.
_WHOLE = sql.SQL(
    """(to_regclass('chunks_v' || number) IS NOT NULL
        AND to_regclass('documents_v' || number) IS NOT NULL
        AND (to_regclass('lexemes_v' || number) IS NOT NULL
             OR state = ANY ({unindexed})
             OR coalesce(descriptor ->> 'language', '') = ''))"""
).format(unindexed=listed(UNINDEXED))

IS_WHOLE = sql.SQL("SELECT {whole} FROM index_version WHERE number = %(number)s").format(
    whole=_WHOLE
)

MARK_LOST = sql.SQL(
    """
    UPDATE index_version SET state = 'dropped'
    WHERE state = ANY ({states}) AND NOT {whole}
    RETURNING number"""
).format(states=listed(HAS_TABLES), whole=_WHOLE)

# If somebody dropped one table of a version, the others are still there.
REMAINS = sql.SQL(
    """
    SELECT number FROM index_version
    WHERE state = 'dropped'
      AND coalesce(to_regclass('chunks_v' || number), to_regclass('documents_v' || number),
                   to_regclass('lexemes_v' || number)) IS NOT NULL"""
)
