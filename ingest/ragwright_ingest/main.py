"""`ragwright-ingest`: one command for each kind of Job."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psycopg
import structlog

from ragwright_core.embedding import (
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
    SecretMissingError,
)
from ragwright_core.handover import BuildOrder, CleanupOrder, SwapOrder
from ragwright_core.names import BUILD_ENV, SECRETS_FOLDER, SOURCES_FOLDER
from ragwright_core.problems import INPUT_REASONS, ProblemError
from ragwright_core.report import Problem, Reason, Report
from ragwright_ingest import golive, steps
from ragwright_ingest.cleanup import clean_up
from ragwright_ingest.database import unavailable
from ragwright_ingest.purge import open_cache
from ragwright_ingest.settings import read_stores
from ragwright_ingest.sources.open import Folders
from ragwright_ingest.sweep import Sweep, SweepError, as_arguments, sweep

# Kubernetes fails the Job at once on this code (podFailurePolicy): the input is at fault.
EXIT_INPUT = 42
EXIT_AGAIN = 1

_DESCRIPTION = f"""\
Runs one step of a pipeline's index version, or a swap to another. The order stands in
{BUILD_ENV} (JSON); stores are named by VECTOR_DB_URL and REDIS_URL, or by files in
VECTOR_DB_URL_FILE and REDIS_URL_FILE. The
report (JSON, at most 4 KiB) goes to TERMINATION_LOG, by default /dev/termination-log.
Exit codes: 0 done, 42 the input is at fault, 1 worth another try.
"""


_DROPPED = "the version was dropped while this Job ran: another build was asked for meanwhile"


def main() -> None:
    # Where a build shares its cores with those who answer, they come first.
    os.nice(10)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
    parser = argparse.ArgumentParser(
        prog="ragwright-ingest",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    commands.add_parser("load", help="claim documents, chunk, embed and copy them")
    commands.add_parser("index", help="build the indexes, pass the gates, swap, purge, drop")
    commands.add_parser("swap", help="swap to a version that is there, drop what is kept no longer")
    commands.add_parser("cleanup", help="drop the pipeline's schema and its keys in Redis")
    swept = commands.add_parser(
        "sweep",
        help="list schemas without a pipeline: kubectl get rag -A -o json | ... sweep",
        description="Lists the database's schemas that belong to no pipeline on standard input, as "
        "`kubectl get rag -A -o json` prints them. The database is named by VECTOR_DB_URL or "
        "VECTOR_DB_URL_FILE.",
    )
    as_arguments(swept)
    options = parser.parse_args()
    if options.step == "sweep":
        sys.exit(_sweep(options))
    step: str = options.step
    report = run(step, os.environ)
    _write(report, Path(os.environ.get("TERMINATION_LOG", "/dev/termination-log")))
    sys.exit(exit_code(report))


def _sweep(options: argparse.Namespace) -> int:
    asked = Sweep(
        as_json=options.output == "json",
        drop=options.drop,
        yes=options.yes,
        cluster=options.cluster,
        # Standard input holds the list: a person answers on the terminal itself.
        confirm=_confirm if sys.stdout.isatty() else None,
    )
    listing = "" if sys.stdin.isatty() else sys.stdin.read()
    try:
        stores = read_stores(os.environ, patience=0)
        sweep(stores.database_url, listing, asked, print)
    except (SweepError, ProblemError, psycopg.Error) as error:
        words = str(error) if isinstance(error, SweepError) else _problem(error).message
        sys.stderr.write(f"ragwright-ingest sweep: {words}\n")
        return 2
    return 0


def _confirm(question: str) -> bool:
    with Path("/dev/tty").open("r+") as terminal:
        terminal.write(question)
        terminal.flush()
        return terminal.readline().strip() == "yes"


def run(step: str, environment: Mapping[str, str]) -> Report:
    """Do one step; whatever stops it stands in the report."""
    log = structlog.get_logger().bind(step=step)
    try:
        report = _step(step, environment, lambda done: log.info("step done", done=done))
    except Exception as error:
        problem = _problem(error)
        if problem.reason == Reason.INTERNAL:
            log.exception("stopped by an error that nobody foresaw")
        report = Report(outcome="failed", problem=problem)
    log.info("finished", report=report.model_dump(mode="json", exclude_defaults=True))
    return report


def _problem(error: Exception) -> Problem:
    """What a person is told of an error; INTERNAL where nobody foresaw it."""
    known: dict[type[Exception], Reason] = {
        SecretMissingError: Reason.SECRET_MISSING,
        EmbeddingUnavailableError: Reason.EMBEDDING_UNAVAILABLE,
        EmbeddingRejectedError: Reason.EMBEDDING_REJECTED,
    }
    if isinstance(error, ProblemError):
        return error.problem
    for kind, reason in known.items():
        if isinstance(error, kind):
            return Problem(reason=reason, message=str(error)[:700])
    if isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction):
        return Problem(reason=Reason.DATABASE_UNAVAILABLE, message=unavailable(error))
    if isinstance(error, psycopg.errors.UndefinedTable):
        return Problem(reason=Reason.SUPERSEDED, message=_DROPPED)
    return Problem(reason=Reason.INTERNAL, message=f"{type(error).__name__}: see the pod's log")


def exit_code(report: Report) -> int:
    if report.problem is None:
        return 0
    return EXIT_INPUT if report.problem.reason in INPUT_REASONS else EXIT_AGAIN


def _step(step: str, environment: Mapping[str, str], after_step: steps.AfterStep) -> Report:
    order_json = environment.get(BUILD_ENV, "")
    if not order_json:
        raise ProblemError(Reason.INTERNAL, f"{BUILD_ENV} is not set; the operator sets it")
    stores = read_stores(environment)
    if step == "cleanup":
        order = CleanupOrder.model_validate_json(order_json)
        return clean_up(order, stores.database_url, open_cache(stores.redis_url))
    around = golive.Surroundings(stores, Path(SECRETS_FOLDER), after_step=after_step)
    if step == "swap":
        return golive.swap(SwapOrder.model_validate_json(order_json), around)
    build = BuildOrder.model_validate_json(order_json)
    if step == "index":
        return golive.index(build, around)
    with tempfile.TemporaryDirectory() as scratch:
        folders = Folders(Path(scratch), Path(SECRETS_FOLDER), Path(SOURCES_FOLDER))
        return steps.load(build, stores, folders, after_step=after_step)


def _write(report: Report, file: Path) -> None:
    try:
        file.write_bytes(report.message())
    except OSError:
        sys.stdout.write(report.message().decode() + "\n")


if __name__ == "__main__":
    main()
