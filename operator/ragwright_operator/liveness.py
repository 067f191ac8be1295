"""Whether the operator still sees the world. kopf's own probe says yes with a dead watcher."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ragwright_core.spec import PLURAL
from ragwright_operator.effects.watch import Children


def dead(children: Children, watching: Sequence[asyncio.Task[None]]) -> list[str]:
    """What has stopped, in words; empty when all is well."""
    found = [f"{task.get_name()} has ended" for task in watching if task.done()]
    found += [f"nothing was heard of {kind} for long" for kind in children.silent()]
    if not any(_watches_pipelines(task) for task in asyncio.all_tasks()):
        found.append(f"{PLURAL} are not watched")
    return found


def _watches_pipelines(task: asyncio.Task[object]) -> bool:
    """kopf names its watchers so; one that met an ERROR in the stream is gone for ever
    (kopf#1276)."""
    return task.get_name().startswith(f"watcher for {PLURAL}") and not task.done()
