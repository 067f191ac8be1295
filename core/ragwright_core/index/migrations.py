"""The layouts of a pipeline's schema, oldest first; each is run once and never edited."""

from __future__ import annotations

from typing import LiteralString

LAYOUT_1: tuple[LiteralString, ...] = (
    """
    CREATE TABLE layout (
        version integer PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )""",
    """
    CREATE TABLE owner (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        cluster text NOT NULL,
        uid text NOT NULL,
        since timestamptz NOT NULL DEFAULT clock_timestamp()
    )""",
    """
    CREATE TABLE index_version (
        number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id uuid NOT NULL DEFAULT gen_random_uuid(),
        state text NOT NULL DEFAULT 'building'
            CHECK (state IN ('building', 'ready', 'live', 'kept', 'failed', 'dropping', 'dropped')),
        reason text NOT NULL,
        problem text,
        descriptor jsonb NOT NULL,
        manifest text NOT NULL,
        planned_on bigint NOT NULL DEFAULT 0,
        documents integer NOT NULL,
        failed integer NOT NULL DEFAULT 0,
        chunks bigint NOT NULL DEFAULT 0,
        embedded bigint NOT NULL DEFAULT 0,
        reused bigint NOT NULL DEFAULT 0,
        verdicts jsonb NOT NULL DEFAULT '[]',
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        loaded_at timestamptz,
        ready_at timestamptz,
        swapped_at timestamptz
    )""",
    """
    CREATE TABLE build_request (
        request text PRIMARY KEY,
        number integer NOT NULL REFERENCES index_version,
        unchanged boolean NOT NULL DEFAULT false,
        asked_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )""",
    """
    CREATE TABLE live (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        number integer REFERENCES index_version,
        term bigint NOT NULL DEFAULT 0,
        epoch bigint NOT NULL DEFAULT 0,
        swapped_at timestamptz
    )""",
    "INSERT INTO live DEFAULT VALUES",
)

LAYOUT_2: tuple[LiteralString, ...] = (
    # Not in the descriptor, which every lease reads: the sentences' vectors may be 12,000 numbers.
    "ALTER TABLE index_version ADD COLUMN sentences jsonb",
)

LAYOUT_3: tuple[LiteralString, ...] = (
    # Apart from `live`, so that counting and swaps do not wait for each other.
    """
    CREATE TABLE calls (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        made bigint NOT NULL DEFAULT 0,
        saved bigint NOT NULL DEFAULT 0
    )""",
    "INSERT INTO calls DEFAULT VALUES",
)

LAYOUT_4: tuple[LiteralString, ...] = (
    # When a caller without a token last emptied the caches.
    "ALTER TABLE live ADD COLUMN invalidated_at timestamptz",
)

LAYOUT_5: tuple[LiteralString, ...] = (
    # Calls of webhooks: the last one's word, and the latest, to know one that comes again.
    """
    CREATE TABLE push (
        source text PRIMARY KEY,
        word uuid NOT NULL,
        latest text[] NOT NULL,
        pushed_at timestamptz NOT NULL
    )""",
)

MIGRATIONS = (LAYOUT_1, LAYOUT_2, LAYOUT_3, LAYOUT_4, LAYOUT_5)
