"""The disturbances of a soak run: swap after swap, Redis restarted, replicas killed in turn."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path

from bench.soak.callers import Told
from bench.swap.run import build
from dev.demo.documents import Checkout
from dev.stack import Stack
from ragwright_core.spec import RagPipelineSpec

KINDS = ("swaps", "restarts of Redis", "replicas killed")
REDIS_EVERY, KILL_EVERY, MEMORY_EVERY = 25.0, 20.0, 1.0


@dataclass
class Mischief:
    """The first replica is never killed: its memory is watched."""

    stores: Stack
    spec: RagPipelineSpec
    checkout: Checkout
    git_url: str
    told: Told
    done: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    memory: list[int] = field(default_factory=list)  # of the first replica, in bytes

    async def swap(self) -> None:
        for number in itertools.count(2):
            await asyncio.to_thread(self.checkout.commit, number)
            await asyncio.to_thread(self.checkout.push, self.git_url)
            report = await build(self.stores, self.spec, f"r{number}")
            assert report.outcome == "swapped", report
            self.told.reported = number
            self.done["swaps"] += 1

    async def restart_redis(self) -> None:
        while True:
            await asyncio.sleep(REDIS_EVERY)
            await asyncio.to_thread(self.stores.restart_redis)
            self.done["restarts of Redis"] += 1

    async def kill_replicas(self) -> None:
        for turn in itertools.count():
            await asyncio.sleep(KILL_EVERY)
            doomed = self.told.urls[1 + turn % (len(self.told.urls) - 1)]
            await asyncio.to_thread(self.stores.kill_api, doomed)
            self.done["replicas killed"] += 1
            self.told.urls.remove(doomed)
            public, _ = await asyncio.to_thread(self.stores.start_api, self.spec)
            self.told.urls.append(public)

    async def watch_memory(self) -> None:
        pid = self.stores.pid_of(self.told.urls[0])
        while True:
            self.memory.append(_memory_of(pid))
            await asyncio.sleep(MEMORY_EVERY)


def _memory_of(pid: int) -> int:
    """Its own memory and its share of what it shares, in bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    [kibibytes] = [line.split()[1] for line in lines if line.startswith("Pss:")]
    return int(kibibytes) * 1024
