"""`make soak`: prints its goals, and writes bench/results/soak.json."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from bench.soak.callers import CALLERS, Told, ask_all
from bench.soak.mischief import Mischief
from bench.soak.mixture import Mixture
from bench.swap.run import build
from dev.demo.documents import Checkout, questions, read_documents
from dev.gitserver import serve
from dev.goals import Goal, conclude
from dev.stack import stack
from ragwright_core.spec import Cache, Embedding, Git, RagPipelineSpec, Source

QUESTIONS, DISTINCT, REPLICAS = 100_000, 3000, 3
PROGRESS_SECONDS = 15.0


async def soak() -> tuple[Told, Mischief]:
    documents = read_documents({})
    with stack("soak") as stores, serve(stores.folder / "served.git") as url:
        spec = RagPipelineSpec(
            sources=[Source(name="bench", git=Git(url=url, ref="main"))],
            embedding=Embedding(dimensions=128),
            # Full after some seconds, so that growth afterwards is none of the cache's.
            cache=Cache(in_process_memory="4Mi"),
        )
        checkout = Checkout(stores.folder / "work", documents)
        checkout.commit(1)
        checkout.push(url)
        await build(stores, spec, "r1")
        apis = [await asyncio.to_thread(stores.start_api, spec) for _ in range(REPLICAS)]
        told = Told([public for public, _ in apis], reported=1, left=QUESTIONS)
        mischief = Mischief(stores, spec, checkout, url, told)
        asked, paths = questions(documents, DISTINCT), [item.path for item in documents]
        await _under(mischief, ask_all(told, [Mixture(asked, paths, n) for n in range(CALLERS)]))
        told.server_errors += _faults(stores.folder)
        return told, mischief


def _faults(folder: Path) -> list[str]:
    """The lines in the programs' logs about errors that should never happen."""
    lines = (line for file in folder.glob("api-*.log") for line in file.read_text().splitlines())
    return [line for line in lines if '"event": "fault"' in line]


async def _under(mischief: Mischief, asking: Coroutine[Any, Any, None]) -> None:
    """Ask all questions while the swaps and restarts go on."""
    work = (
        mischief.swap(),
        mischief.restart_redis(),
        mischief.kill_replicas(),
        mischief.watch_memory(),
        _progress(mischief),
    )
    tasks = [asyncio.create_task(item) for item in work]
    callers = asyncio.create_task(asking)
    ended, _ = await asyncio.wait([callers, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, callers):
        task.cancel()
    for task in ended:
        task.result()


async def _progress(mischief: Mischief) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        what = ", ".join(f"{count} {kind}" for kind, count in mischief.done.items())
        asked = QUESTIONS - mischief.told.left
        print(f"  {time.monotonic() - began:4.0f} s  {asked} asked, {what}", flush=True)


def growth(memory: Sequence[int]) -> float:
    """The memory in the last quarter, divided by that in the second quarter."""
    quarter = len(memory) // 4
    return statistics.median(memory[-quarter:]) / statistics.median(memory[quarter : 2 * quarter])


def main() -> int:
    told, mischief = asyncio.run(soak())
    verdicts, done = told.tally.verdicts, mischief.done
    for words in (*told.server_errors[-5:], *told.wrongly_taken[:5], *told.tally.first_failures):
        print(f"  {words}")
    goals = [
        Goal("asked", QUESTIONS - told.left, at_least=QUESTIONS),
        Goal("swaps", done["swaps"], at_least=5),
        Goal("redis-restarts", done["restarts of Redis"], at_least=5),
        Goal("replicas-killed", done["replicas killed"], at_least=5),
        Goal("stale", verdicts["stale"], at_most=0),
        Goal("mixed", verdicts["mixed"], at_most=0),
        Goal("failed", verdicts["failed"], at_most=0),
        Goal("unexplained-5xx", len(told.server_errors), at_most=0),
        Goal("bad-input-taken", len(told.wrongly_taken), at_most=0),
        Goal("memory-last-by-second-quarter", round(growth(mischief.memory), 3), at_most=1.1),
    ]
    table: list[dict[str, Any]] = [
        {"row": "asked", **told.kinds},
        {"row": "verdicts", **told.tally.summary()},
        {"row": "asked another replica", "times": told.asked_elsewhere},
        {"row": "memory of a replica, MiB", "by_quarter": _quarters(mischief.memory)},
    ]
    return conclude("soak", goals, table)


def _quarters(memory: Sequence[int]) -> list[int]:
    size = max(1, len(memory) // 4)
    parts = (memory[at * size : (at + 1) * size] for at in range(4))
    return [round(statistics.median(part) / 2**20) for part in parts]


if __name__ == "__main__":
    sys.exit(main())
