"""The states of an index version, and the sets of states that decisions depend on.

building -> ready -> live -> kept -> dropping -> dropped, or building -> failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from psycopg import sql

State = Literal["building", "ready", "live", "kept", "failed", "dropping", "dropped"]

# The version's build is not over: a new build request ends it.
UNDER_WAY: tuple[State, ...] = ("building", "ready")
# The version's build has not been ended by another build.
WANTED: tuple[State, ...] = (*UNDER_WAY, "live")
# The version has its indexes and passed its gates: it may answer questions. A row may say `live`
# although somebody has moved the pointer by hand.
SWAPPABLE: tuple[State, ...] = ("ready", "kept", "live")
# A person may ask for the version: the gates of a failed one may be overridden.
OFFERED: tuple[State, ...] = (*SWAPPABLE, "failed")
# The version has tables, and nobody is about to drop them.
HAS_TABLES: tuple[State, ...] = (*OFFERED, "building")
# The version may have no indexes yet.
UNINDEXED: tuple[State, ...] = ("building", "failed")
# The version has answered questions: a build takes over its vectors.
REUSABLE: tuple[State, ...] = ("live", "kept")


def listed(states: Iterable[State]) -> sql.Literal:
    """For `state = ANY (...)`."""
    return sql.Literal(list(states))
