"""`kubectl rag reindex`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from ragwright_cli.cluster import Cluster, ClusterError
from ragwright_cli.options import Common, Name
from ragwright_cli.pipeline import Pipeline
from ragwright_cli.problems import CliError
from ragwright_cli.reading.waiting import Stage, hindrance, stage
from ragwright_cli.screen import console, plain, say, show_json
from ragwright_core.names import PipelineName
from ragwright_core.spec import REINDEX_ANNOTATION

LOOK_SECONDS = 1.0
# An API server that is away for longer than this ends the wait.
AWAY_SECONDS = 60.0
Wait = Annotated[bool, typer.Option("--wait", help="Until its end, with a progress bar.")]
Timeout = Annotated[int, typer.Option(min=1, max=604_800, help="Of --wait, in seconds.")]


def reindex(
    common: Common, name: Name = None, *, wait: Wait = False, timeout: Timeout = 3600
) -> None:
    """Have the documents read now. What has not changed is not embedded again."""
    with common.cluster() as cluster:
        found = ask_for(cluster, cluster.pipeline(name).names)
        if wait:
            ended = follow(cluster, found.names, timeout, quiet=common.output == "json")
        else:
            held = hindrance(found)
            ended = Stage(
                "done", f"a reindex of {found.names.name} is asked for; {held}".rstrip("; ")
            )
    if common.output == "json":
        show_json({"name": found.names.name, "state": ended.state, "message": ended.words})
    else:
        say(ended.words)
    if ended.state != "done":
        raise typer.Exit(1)


def ask_for(cluster: Cluster, names: PipelineName) -> Pipeline:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return cluster.merge(names, {"metadata": {"annotations": {REINDEX_ANNOTATION: now}}})


def follow(cluster: Cluster, names: PipelineName, timeout: float, *, quiet: bool) -> Stage:
    """Look until the build has ended, and show how far it is."""
    screen = console(stderr=True)
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}", markup=False))
    hidden = quiet or not screen.is_terminal
    with Progress(*columns, console=screen, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=None)
        told = [""]

        def show(now: Stage) -> None:
            bar.update(task, description=plain(now.line), completed=now.done, total=now.total)
            # A log gets a line where a terminal gets a bar.
            if hidden and not quiet and now.line != told[0] and now.state == "waiting":
                say(now.line, stderr=True)
            told[0] = now.line

        return _until_ended(lambda: stage(cluster.pipeline(names.name)), show, timeout)


def _until_ended(look: Callable[[], Stage], show: Callable[[Stage], None], timeout: float) -> Stage:
    begin = seen = time.monotonic()
    last = Stage("waiting", "")
    while time.monotonic() - begin < timeout:
        try:
            last = look()
            seen = time.monotonic()
            show(last)
        except ClusterError as error:
            if not error.passing or time.monotonic() - seen > AWAY_SECONDS:
                raise
        if last.state != "waiting":
            return last
        time.sleep(LOOK_SECONDS)
    raise CliError(f"after {timeout:.0f} s it goes on: {last.words}")
