"""`kubectl rag webhook-url`."""

from __future__ import annotations

from dataclasses import asdict

from ragwright_cli.options import Common, Name
from ragwright_cli.reading.webhooks import find_webhooks
from ragwright_cli.screen import say, show_json, show_rows


def webhook_url(common: Common, name: Name = None) -> None:
    """Print where a git server sends its webhooks."""
    with common.cluster() as cluster:
        found = find_webhooks(cluster.pipeline(name))
    if common.output == "json":
        show_json([asdict(item) for item in found])
    elif len(found) == 1:
        say(found[0].url)
    else:
        show_rows([(item.source, item.url) for item in found])
