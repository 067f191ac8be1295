"""`kubectl rag history`."""

from __future__ import annotations

from ragwright_cli.options import Common, Name
from ragwright_cli.pipeline import moment
from ragwright_cli.screen import say, show_json, show_table

HEADS = ("VERSION", "OUTCOME", "STARTED", "SECONDS", "WHY", "MESSAGE")


def history(common: Common, name: Name = None) -> None:
    """List the last builds and swaps, the newest first: why each was made, and what came of it."""
    with common.cluster() as cluster:
        entries = cluster.pipeline(name).status.history
    if common.output == "json":
        show_json([entry.model_dump(mode="json") for entry in entries])
    elif not entries:
        say("nothing was built yet")
    else:
        rows = [
            (
                str(entry.number or "-"),
                entry.outcome,
                moment(entry.started_at),
                f"{(entry.finished_at - entry.started_at).total_seconds():.0f}",
                entry.why,
                entry.message,
            )
            for entry in entries
        ]
        show_table(HEADS, rows)
