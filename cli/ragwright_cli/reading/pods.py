"""Why pods do not run, as their status says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ragwright_cli.pipeline import Manifest
from ragwright_cli.reading.wrong import Wrong

_STARTING = ("", "ContainerCreating", "PodInitializing")


def find_stuck(pods: Iterable[Manifest]) -> Iterator[Wrong]:
    for pod in sorted(pods, key=lambda item: str(item["metadata"]["name"])):
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            yield from list(_why(pod))[:1]


def _why(pod: Manifest) -> Iterator[Wrong]:
    metadata, status = pod["metadata"], pod.get("status") or {}
    what, namespace = f"pod {metadata['name']}", metadata["namespace"]
    see = f"kubectl -n {namespace} describe pod {metadata['name']}"
    for condition in status.get("conditions") or []:
        if condition.get("reason") == "Unschedulable":
            yield Wrong(what, "Unschedulable", condition.get("message", ""), see)
    first = status.get("initContainerStatuses") or []
    for container in [*first, *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        if reason == "CrashLoopBackOff":
            logs = (
                f"kubectl -n {namespace} logs {metadata['name']} -c {container['name']} --previous"
            )
            yield Wrong(what, reason, _ended(container), logs)
        elif reason not in _STARTING:
            yield Wrong(what, reason, waiting.get("message", "") or "its container waits", see)


def _ended(container: dict[str, Any]) -> str:
    last = (container.get("lastState") or {}).get("terminated") or {}
    reason, code = last.get("reason", ""), last.get("exitCode", "?")
    return f"its container ended with exit code {code} ({reason or 'no reason'}) and is restarted"
