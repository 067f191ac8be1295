"""The failure that stops a Job, as a message for people and an exit code for Kubernetes."""

from __future__ import annotations

import psycopg

from ragwright_core.contract import EXIT_AGAIN, EXIT_INPUT
from ragwright_core.embedding import (
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
    SecretMissingError,
)
from ragwright_core.problems import INPUT_REASONS, ProblemError
from ragwright_core.report import Problem, Reason, Report
from ragwright_ingest.refusals import is_unavailable, refused, unavailable

_DROPPED = "the version was dropped while this Job ran: another build was asked for meanwhile"
_KNOWN: dict[type[Exception], Reason] = {
    SecretMissingError: Reason.SECRET_MISSING,
    EmbeddingUnavailableError: Reason.EMBEDDING_UNAVAILABLE,
    EmbeddingRejectedError: Reason.EMBEDDING_REJECTED,
}


def problem_of(error: Exception) -> Problem:
    """The problem to report. Its reason is INTERNAL if the error was not foreseen."""
    if isinstance(error, ProblemError):
        return error.problem
    for kind, reason in _KNOWN.items():
        if isinstance(error, kind):
            return Problem(reason=reason, message=str(error))
    if isinstance(error, psycopg.errors.UndefinedTable):
        return Problem(reason=Reason.SUPERSEDED, message=_DROPPED)
    if isinstance(error, psycopg.Error):
        return _of_database(error)
    return Problem(reason=Reason.INTERNAL, message=f"{type(error).__name__}: see the pod's log")


def _of_database(error: psycopg.Error) -> Problem:
    if is_unavailable(error):
        return Problem(reason=Reason.DATABASE_UNAVAILABLE, message=unavailable(error))
    forbidden = isinstance(error, psycopg.errors.InsufficientPrivilege)
    reason = Reason.DATABASE_FORBIDDEN if forbidden else Reason.DATABASE_REFUSED
    return Problem(reason=reason, message=refused(error))


def exit_code(report: Report) -> int:
    if report.problem is None:
        return 0
    return EXIT_INPUT if report.problem.reason in INPUT_REASONS else EXIT_AGAIN
