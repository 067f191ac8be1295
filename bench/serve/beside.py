"""Cached answers at a fixed rate, while questions that nobody asked before are computed with MiniLM
in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass, field

import httpx

from bench.serve.load import at_rate
from dev.goals import Goal
from ragwright_api.tasks.background import Background

ROUNDS = 3
SECONDS = 30
CONNECTIONS, HITS_PER_SECOND = 8, 100
IN_FLIGHT = 100


@dataclass(frozen=True)
class Round:
    """The 99th percentile of cached answers alone and beside misses, in milliseconds, and misses
    answered a second, alone and beside cached answers."""

    hits_alone: float
    hits_beside: float
    misses_alone: float
    misses_beside: float


@dataclass
class Misses:
    """Keeps distinct questions in flight, and counts those that were answered. `settled` is set
    when all places are taken and questions end at their pace."""

    url: str
    numbers: Iterator[int]
    answered: int = 0
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def in_flight(self) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=60, limits=limits) as http:
            asking = Background()
            for _ in range(IN_FLIGHT):
                asking.start(self._ask(http))
            try:
                yield
            finally:
                await asking.close()

    async def _ask(self, http: httpx.AsyncClient) -> None:
        while True:
            number = next(self.numbers)
            question = f"When is parcel {number} of topic {number % 50} refunded?"
            reply = await http.post(f"{self.url}/api/rag/query", json={"question": question})
            if reply.status_code == 200:
                self.answered += 1
                if self.answered >= IN_FLIGHT // 4:
                    self.settled.set()
            else:
                assert reply.status_code == 429, reply.text
                await asyncio.sleep(float(reply.headers["retry-after"]))


async def measure(url: str, body: str) -> list[Round]:
    """`body` is a question that is answered from the cache. Raises LoadError when a cached answer
    is refused."""
    numbers = itertools.count(1000)
    return [await _round(url, body, numbers) for _ in range(ROUNDS)]


async def _round(url: str, body: str, numbers: Iterator[int]) -> Round:
    hits_alone = await _hits(url, body)
    misses = Misses(url, numbers)
    async with misses.in_flight():
        async with asyncio.timeout(60):
            await misses.settled.wait()
        misses_alone = await _rate(misses, asyncio.sleep(SECONDS))
        hits = asyncio.create_task(_hits(url, body))
        misses_beside = await _rate(misses, asyncio.wait({hits}))
    return Round(hits_alone, await hits, misses_alone, misses_beside)


async def _hits(url: str, body: str) -> float:
    query = f"{url}/api/rag/query"
    each = HITS_PER_SECOND / CONNECTIONS
    found = await asyncio.to_thread(
        at_rate, query, body, each=each, connections=CONNECTIONS, seconds=SECONDS
    )
    return found.p99


async def _rate(misses: Misses, until: Awaitable[object]) -> float:
    began, before = time.perf_counter(), misses.answered
    await until
    return (misses.answered - before) / (time.perf_counter() - began)


def goals_of(rounds: list[Round]) -> list[Goal]:
    slower = statistics.median(found.hits_beside / found.hits_alone for found in rounds)
    kept = statistics.median(found.misses_beside / found.misses_alone for found in rounds)
    return [
        Goal("hits-p99-beside-misses-by-alone", round(slower, 2), at_most=10),
        Goal("misses-beside-hits-by-alone", round(kept, 2), at_least=0.7),
    ]


def rows_of(rounds: list[Round]) -> list[dict[str, object]]:
    return [
        {
            "row": f"hits beside misses with MiniLM, round {number}",
            "hits_p99_ms_alone": round(found.hits_alone, 2),
            "hits_p99_ms_beside": round(found.hits_beside, 2),
            "misses_s_alone": round(found.misses_alone, 2),
            "misses_s_beside": round(found.misses_beside, 2),
        }
        for number, found in enumerate(rounds, 1)
    ]
