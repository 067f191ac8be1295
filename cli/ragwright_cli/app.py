"""The commands together."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from ragwright_cli.commands.approve import approve
from ragwright_cli.commands.ask import ask
from ragwright_cli.commands.diff import diff
from ragwright_cli.commands.doctor import doctor
from ragwright_cli.commands.errors import errors
from ragwright_cli.commands.history import history
from ragwright_cli.commands.reindex import reindex
from ragwright_cli.commands.rollback import rollback
from ragwright_cli.commands.status import status
from ragwright_cli.commands.webhook_url import webhook_url
from ragwright_cli.options import with_common
from ragwright_cli.problems import CliError
from ragwright_cli.screen import complain

_COMMANDS = (
    status, ask, errors, doctor, reindex, history, rollback, approve, diff, webhook_url,
)  # fmt: skip


def make_app() -> typer.Typer:
    app = typer.Typer(
        help="Looks after RagPipelines. Ends with 0, 1 where something is wrong, 2 where the "
        "command is.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for command in _COMMANDS:
        app.command(command.__name__.replace("_", "-"))(with_common(command))
    return app


def run(arguments: Sequence[str]) -> None:
    """Run one command. Ends with SystemExit."""
    try:
        make_app()(list(arguments), prog_name="kubectl-rag")
    except CliError as error:
        complain(str(error))
        sys.exit(error.code)
