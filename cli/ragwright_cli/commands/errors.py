"""`kubectl rag errors`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from ragwright_cli.options import Common, Name
from ragwright_cli.reading.wrong import find_wrong
from ragwright_cli.screen import say, show_json


def errors(common: Common, name: Name = None) -> None:
    """List what status holds: wrong conditions, failed gates, failed documents."""
    with common.cluster() as cluster:
        wrong = find_wrong(cluster.pipeline(name))
    if common.output == "json":
        show_json([asdict(item) for item in wrong])
    elif not wrong:
        say("nothing is wrong")
    else:
        for item in wrong:
            say(f"{item.what}: {item.cause} ({item.reason})")
            if item.command:
                say(f"    {item.command}")
    if wrong:
        raise typer.Exit(1)
