"""Reads a RagPipeline's status for the demo, and waits for its changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dev.kubectl import DeadlineError, Kubectl
from ragwright_core.names import PipelineName


@dataclass(frozen=True)
class State:
    """The part of a status that the demo shows."""

    live: int | None
    ready: bool
    progress: str
    trouble: str
    status: dict[str, Any]

    @property
    def line(self) -> str:
        live = f"live version {self.live}" if self.live else "no live version yet"
        return " · ".join(part for part in (live, self.progress, self.trouble) if part)


def state(pipeline: dict[str, Any] | None) -> State:
    status = (pipeline or {}).get("status", {})
    conditions = {item["type"]: item for item in status.get("conditions", [])}
    progress = status.get("progress") or {}
    index = status.get("index") or {}
    degraded = conditions.get("Degraded", {})
    return State(
        live=(index.get("live") or {}).get("number"),
        ready=conditions.get("Ready", {}).get("status") == "True",
        progress=(
            f"{progress.get('phase')} {progress.get('done', 0)}/{progress.get('total', 0)}"
            if progress.get("phase")
            else ""
        ),
        trouble=degraded.get("message", "") if degraded.get("status") == "True" else "",
        status=status,
    )


def watch(
    kubectl: Kubectl,
    pipeline: PipelineName,
    done: Callable[[State], bool],
    show: Callable[[State], None],
    *,
    seconds: float,
) -> State:
    """Poll the pipeline until `done`, showing each state. Raises DeadlineError with the last."""
    in_namespace = ("-n", pipeline.namespace)
    deadline = time.monotonic() + seconds
    while True:
        current = state(kubectl.get(*in_namespace, "rag", pipeline.name))
        show(current)
        if done(current):
            return current
        if time.monotonic() > deadline:
            raise DeadlineError(
                f"after {seconds:.0f} s: {current.line}. "
                f"Next: kubectl -n {pipeline.namespace} describe rag {pipeline.name}"
            )
        time.sleep(0.3)
