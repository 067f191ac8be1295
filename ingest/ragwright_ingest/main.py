"""`ragwright-ingest`: one command for each kind of Job."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import structlog

from ragwright_core.contract import (
    CACHE_URL_ENV,
    CACHE_URL_FILE_ENV,
    DATABASE_URL_ENV,
    DATABASE_URL_FILE_ENV,
    EXIT_AGAIN,
    EXIT_INPUT,
    ORDER_FILE,
    ORDER_FILE_ENV,
    SECRETS_FOLDER,
    SOURCES_FOLDER,
    TERMINATION_LOG,
    TERMINATION_LOG_ENV,
)
from ragwright_core.network import Network, trusting
from ragwright_core.orders import BuildOrder, CleanupOrder, SwapOrder, allowed_hosts
from ragwright_core.problems import place
from ragwright_core.report import Reason, Report
from ragwright_ingest.commands.cleanup import clean_up
from ragwright_ingest.commands.index import index
from ragwright_ingest.commands.load import load
from ragwright_ingest.commands.swap import swap
from ragwright_ingest.commands.sweep import add_arguments, sweep_as_asked
from ragwright_ingest.failures import exit_code, problem_of
from ragwright_ingest.order import Order, read_order
from ragwright_ingest.settings import read_stores
from ragwright_ingest.surroundings import Folders, Surroundings

_DESCRIPTION = f"""\
Runs one step of a pipeline's index version, or a swap to another. The order stands in
{ORDER_FILE} (JSON), or in the file named by {ORDER_FILE_ENV}; stores are named
by {DATABASE_URL_ENV} and {CACHE_URL_ENV}, or by files in {DATABASE_URL_FILE_ENV} and
{CACHE_URL_FILE_ENV}. The report (JSON, at most 4 KiB) goes to the file in
{TERMINATION_LOG_ENV}, by default {TERMINATION_LOG}.
Exit codes: 0 done, {EXIT_INPUT} the input is at fault, {EXIT_AGAIN} worth another try.
"""

Adjust = Callable[[Surroundings], Surroundings]


@dataclass(frozen=True)
class Command(Generic[Order]):
    order: type[Order]
    run: Callable[[Order, Surroundings], Report]
    help: str


COMMANDS: Mapping[str, Command[Any]] = {
    "load": Command(BuildOrder, load, "claim documents, chunk, embed and copy them"),
    "index": Command(BuildOrder, index, "build the indexes, pass the gates, swap, purge, drop"),
    "swap": Command(
        SwapOrder, swap, "swap to a version that is there, drop what is kept no longer"
    ),
    "cleanup": Command(CleanupOrder, clean_up, "drop the pipeline's schema and its keys in Redis"),
}


def as_in_a_pod(around: Surroundings) -> Surroundings:
    return around


def main(arguments: Sequence[str] | None = None, *, adjusted: Adjust = as_in_a_pod) -> None:
    """The program. `adjusted` changes a command's surroundings outside a pod."""
    # If a build shares its cores with API pods, the API pods come first.
    os.nice(10)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ]
    )
    options = _parser().parse_args(arguments)
    if options.command == "sweep":
        sys.exit(sweep_as_asked(options, os.environ))
    report = run(options.command, os.environ, adjusted=adjusted)
    _write(report, Path(os.environ.get(TERMINATION_LOG_ENV) or TERMINATION_LOG))
    sys.exit(exit_code(report))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ragwright-ingest",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parsers = parser.add_subparsers(dest="command", required=True, metavar="STEP")
    for name, command in COMMANDS.items():
        parsers.add_parser(name, help=command.help)
    swept = parsers.add_parser(
        "sweep",
        help="list schemas without a pipeline: kubectl get rag -A -o json | ... sweep",
        description="Lists the database's schemas that belong to no pipeline on standard input, as "
        f"`kubectl get rag -A -o json` prints them. The database is named by {DATABASE_URL_ENV} or "
        f"{DATABASE_URL_FILE_ENV}.",
    )
    add_arguments(swept)
    return parser


def run(
    name: str,
    environment: Mapping[str, str],
    *,
    commands: Mapping[str, Command[Any]] = COMMANDS,
    adjusted: Adjust = as_in_a_pod,
) -> Report:
    """Run one command. If it fails, the report says why."""
    log = structlog.get_logger().bind(step=name)
    command = commands[name]
    try:
        order = read_order(command.order, environment)
        stores = read_stores(environment)
        with tempfile.TemporaryDirectory() as scratch:
            folders = Folders(Path(scratch), Path(SECRETS_FOLDER), Path(SOURCES_FOLDER))
            network = Network.of(environment).allowing(allowed_hosts(order)).through(order.outside)
            around = Surroundings(
                stores,
                folders,
                network,
                after_step=lambda done: log.info("step done", done=done),
            )
            with trusting(order.outside.ca_bundle, folders.scratch):
                report = command.run(order, adjusted(around))
    except Exception as error:
        problem = problem_of(error)
        if problem.reason in (Reason.INTERNAL, Reason.DATABASE_REFUSED):
            log.error("stopped by an error that nobody foresaw", **place(error))
        report = Report(outcome="failed", problem=problem)
    log.info("finished", report=report.model_dump(mode="json", exclude_defaults=True))
    return report


def _write(report: Report, file: Path) -> None:
    try:
        file.write_bytes(report.message())
    except OSError:
        sys.stdout.write(report.message().decode() + "\n")


if __name__ == "__main__":
    main()
