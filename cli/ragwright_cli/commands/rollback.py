"""`kubectl rag rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from ragwright_cli.options import Common
from ragwright_cli.pipeline import Pipeline
from ragwright_cli.problems import CliError
from ragwright_cli.reading.arguments import name_and_version
from ragwright_cli.screen import say, show_json

Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME] [VERSION]", help="Default: the only pipeline, the version before."
    ),
]


def rollback(common: Common, arguments: Arguments = None) -> None:
    """Pin an earlier version: it answers within seconds, and nothing is built meanwhile."""
    name, version = name_and_version(arguments or [])
    with common.cluster() as cluster:
        found = cluster.pipeline(name)
        pin = version or previous(found)
        cluster.merge(found.names, {"spec": {"reindex": {"pin": pin}}})
    if common.output == "json":
        show_json({"name": found.names.name, "pin": pin})
        return
    names = found.names
    say(f"version {pin} of {names.name} is pinned; watch it: {found.command('status')}")
    say("spec.reindex.pin was written; where Git holds the pipeline, write it there too. To go on:")
    patch = '\'{"spec":{"reindex":{"pin":null}}}\''
    say(f"    kubectl -n {names.namespace} patch rag {names.name} --type=merge -p {patch}")


def previous(pipeline: Pipeline) -> int:
    if pipeline.pin is not None:
        raise CliError(f"version {pipeline.pin} is pinned already; to pin another, name it")
    found = pipeline.status.index.previous
    if found is None:
        raise CliError(
            f"{pipeline.names.name} keeps no version before the live one (reindex.keep); name one"
        )
    return found.number
