"""Measures search while a larger version loads and indexes, which must not be felt either."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from bench.swap.run import build, pipeline_spec, readers, repository
from dev.goals import percentile
from dev.stack import Stack

DOCUMENTS = 4000
QUIET_SECONDS = 8.0


@dataclass(frozen=True)
class Felt:
    """p99 of uncached questions, in seconds: idle, and while a rebuild runs."""

    idle: float
    rebuilding: float
    asked: int


async def search_during_rebuild(stack: Stack, folder: Path) -> Felt:
    """The same questions before and during a rebuild in which every document changed."""
    with repository(folder, count=DOCUMENTS) as (url, checkout):
        checkout.commit(1)
        checkout.push(url)
        spec = pipeline_spec(url)
        await build(stack, spec, "idle")
        checkout.commit(2)
        checkout.push(url)
        async with readers(stack, spec) as (http, _):
            began = time.monotonic()
            await asyncio.sleep(QUIET_SECONDS)
            quiet_end = time.monotonic()
            await build(stack, spec, "rebuild")
            end = time.monotonic()
    # The first two seconds warm connections and plans.
    idle = http.timeline.between(began + 2, quiet_end)
    rebuilding = http.timeline.between(quiet_end, end)
    return Felt(percentile(idle, 99), percentile(rebuilding, 99), len(rebuilding))
