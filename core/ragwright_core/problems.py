"""A failure with a reason, which goes into a report and from there into a condition."""

from __future__ import annotations

import traceback

from ragwright_core.report import Problem, Reason

# Reasons for which a new pod would fail again: a person or another request must change something.
INPUT_REASONS = frozenset(
    {
        Reason.SECRET_MISSING,
        Reason.SOURCE_UNAUTHORIZED,
        Reason.SOURCE_NOT_FOUND,
        Reason.SOURCE_EMPTY,
        Reason.DATABASE_FORBIDDEN,
        Reason.DATABASE_ENCODING,
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
        self.problem = Problem(reason=reason, message=message)


def place(error: BaseException) -> dict[str, str]:
    """Type and innermost place of an exception, for a log. Its text is left out, because a
    library's message may repeat a URL or a request with the password in it."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return {"error": type(error).__name__, "at": at}
