"""`ragwright-ingest sweep`: lists and drops schemas of pipelines that exist no more."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from ragwright_core.problems import ProblemError
from ragwright_ingest.database import Connection, connect_plain
from ragwright_ingest.failures import problem_of
from ragwright_ingest.removal.leftovers import (
    Leftover,
    SweepError,
    known_schemas,
    leftovers,
    shown,
    to_drop,
)
from ragwright_ingest.removal.schema import drop_schema
from ragwright_ingest.settings import read_stores


@dataclass(frozen=True)
class Sweep:
    """The options of a sweep. `confirm` asks a person, and is None if there is no terminal."""

    as_json: bool
    drop: bool
    yes: bool
    even_used: bool
    cluster: str | None
    confirm: Callable[[str], bool] | None


def sweep(url: str, listing: str, asked: Sweep, say: Callable[[str], None]) -> None:
    """List the schemas, and drop them if `asked` says so. Raises SweepError, ProblemError and
    psycopg.Error."""
    known = known_schemas(listing)
    with connect_plain(url) as connection:
        found = leftovers(connection, known)
        if asked.as_json:
            say(json.dumps([asdict(item) for item in found], indent=1))
        else:
            say(shown(found) if found else "no schema is left over")
        if asked.drop and found:
            _drop(connection, to_drop(found, asked.cluster), asked, say)


def _drop(
    connection: Connection, going: list[Leftover], asked: Sweep, say: Callable[[str], None]
) -> None:
    for item in [] if asked.even_used else [item for item in going if item.used]:
        going.remove(item)
        say(f"{item.schema} is in use ({item.used}) and was left; add --even-used to drop it")
    if not going:
        return
    if not asked.yes:
        if asked.confirm is None:
            raise SweepError("there is no terminal to ask for a yes: add --yes")
        if not asked.confirm(f"Drop {len(going)} schemas for good? Type yes: "):
            raise SweepError("nothing was dropped")
    for item in going:
        try:
            gone = drop_schema(connection, item.schema, (item.cluster, item.uid))
        except psycopg.errors.LockNotAvailable:
            say(f"{item.schema} is held by a reader and was left; try again")
        else:
            taken = f"{item.schema} belongs to another pipeline by now and was left"
            say(f"dropped {item.schema}" if gone else taken)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    parser.add_argument(
        "--drop", action="store_true", help="drop what is listed of the cluster in --cluster"
    )
    parser.add_argument(
        "--even-used",
        action="store_true",
        help="drop also what has sessions, or a build or swap within the last day",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before dropping")
    parser.add_argument(
        "--cluster", metavar="ID", help="whose list it is: only its schemas are dropped"
    )


def sweep_as_asked(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Sweep, with the list of pipelines on standard input. Returns the exit code."""
    asked = Sweep(
        as_json=options.output == "json",
        drop=options.drop,
        yes=options.yes,
        even_used=options.even_used,
        cluster=options.cluster,
        # Standard input holds the list, so a person answers on the terminal itself.
        confirm=_confirm if sys.stdout.isatty() else None,
    )
    listing = "" if sys.stdin.isatty() else sys.stdin.read()
    try:
        stores = read_stores(environment, patience=0)
        sweep(stores.database_url, listing, asked, print)
    except (SweepError, ProblemError, psycopg.Error) as error:
        words = str(error) if isinstance(error, SweepError) else problem_of(error).message
        sys.stderr.write(f"ragwright-ingest sweep: {words}\n")
        return 2
    return 0


def _confirm(question: str) -> bool:
    with Path("/dev/tty").open("r+") as terminal:
        terminal.write(question)
        terminal.flush()
        return terminal.readline().strip() == "yes"
