"""Where a pipeline's webhooks are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from ragwright_cli.pipeline import Pipeline, group
from ragwright_cli.problems import CliError
from ragwright_core.contract import WEBHOOKS_PATH


@dataclass(frozen=True)
class Webhook:
    source: str
    url: str


def find_webhooks(pipeline: Pipeline) -> list[Webhook]:
    """The URLs of the sources that take webhooks. Raises CliError where there is none."""
    spec = pipeline.raw.get("spec") or {}
    names = [str(source["name"]) for source in spec.get("sources") or [] if source.get("webhook")]
    if not names:
        raise CliError(
            f"no source of {pipeline.names.name} takes webhooks: write sources[].webhook"
        )
    base = str(group(spec, "api").get("externalURL") or "").rstrip("/")
    if not base:
        raise CliError(
            f"nobody has said where {pipeline.names.name} is reached from outside: write the URL "
            "of your Ingress or HTTPRoute in spec.api.externalURL"
        )
    return [Webhook(name, f"{base}{WEBHOOKS_PATH}{quote(name, safe='')}") for name in names]
