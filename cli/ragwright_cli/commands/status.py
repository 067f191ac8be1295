"""`kubectl rag status`."""

from __future__ import annotations

from typing import Any

from ragwright_cli.options import Common, Name
from ragwright_cli.pipeline import Pipeline
from ragwright_cli.reading.standing import headline, rows
from ragwright_cli.screen import say, show_json, show_rows


def status(common: Common, name: Name = None) -> None:
    """Tell how a pipeline stands."""
    with common.cluster() as cluster:
        found = cluster.pipeline(name)
    if common.output == "json":
        show_json(as_written(found))
        return
    say(headline(found))
    show_rows(rows(found))


def as_written(pipeline: Pipeline) -> dict[str, Any]:
    """The status as the operator writes it, without what it keeps for itself."""
    written = pipeline.raw.get("status") or {}
    return {
        "namespace": pipeline.names.namespace,
        "name": pipeline.names.name,
        "generation": pipeline.generation,
        "status": {key: value for key, value in written.items() if key != "operator"},
    }
