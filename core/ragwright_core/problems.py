"""A failure with a reason, as it goes into a report and from there into a condition."""

from __future__ import annotations

from ragwright_core.report import Problem, Reason

# Reasons that the same pod would meet again: a person or another request must change something.
INPUT_REASONS = frozenset(
    {
        Reason.SECRET_MISSING,
        Reason.SOURCE_UNAUTHORIZED,
        Reason.SOURCE_NOT_FOUND,
        Reason.SOURCE_EMPTY,
        Reason.DATABASE_FORBIDDEN,
        Reason.EXTENSION_MISSING,
        Reason.EXTENSION_TOO_OLD,
        Reason.SCHEMA_OWNED,
        Reason.LAYOUT_TOO_NEW,
        Reason.EMBEDDING_REJECTED,
        Reason.GATE_FAILED,
        Reason.VERSION_GONE,
        Reason.SUPERSEDED,
        Reason.STALE_TERM,
    }
)


class ProblemError(Exception):
    """Stops a Job; `problem` says why and what to do next."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.problem = Problem(reason=reason, message=message[:700])
