"""`kubectl rag approve`."""

from __future__ import annotations

from typing import Annotated

import typer

from ragwright_cli.options import Common, Name
from ragwright_cli.pipeline import Pipeline
from ragwright_cli.problems import CliError
from ragwright_cli.screen import say, show_json
from ragwright_core.spec import APPROVE_ANNOTATION
from ragwright_core.status import WaitingVersion

Override = Annotated[
    str | None, typer.Option(help="The gates that it failed, with commas: they are overridden.")
]


def approve(common: Common, name: Name = None, override: Override = None) -> None:
    """Have the version that waits swapped in."""
    with common.cluster() as cluster:
        found = cluster.pipeline(name)
        waiting = approvable(found, override)
        annotations = {APPROVE_ANNOTATION: waiting.approval}
        cluster.merge(found.names, {"metadata": {"annotations": annotations}})
    if common.output == "json":
        show_json({"name": found.names.name, "approved": waiting.number, "value": waiting.approval})
    else:
        say(f"version {waiting.number} of {found.names.name} is approved and is swapped in now")


def approvable(pipeline: Pipeline, override: str | None) -> WaitingVersion:
    """The version that waits. Raises CliError where there is none, or where other gates failed than
    those that are overridden."""
    waiting = pipeline.status.index.waiting
    if waiting is None:
        raise CliError(f"no version of {pipeline.names.name} waits for approval")
    named = {gate.strip() for gate in (override or "").split(",")} - {""}
    failed = ",".join(waiting.failed_gates)
    if named == set(waiting.failed_gates):
        return waiting
    if not failed:
        raise CliError(f"version {waiting.number} failed no gate: leave out --override")
    raise CliError(
        f"version {waiting.number} failed {failed}. To swap it in all the same: "
        f"{pipeline.command('approve', '--override', failed)}"
    )
