"""Many questions at once, to two real API processes with a slow language model behind them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx

from dev.servers.openai_server import Endpoint

EQUAL, USERS = 200, 300
LLM_SECONDS = 0.3
# How often the equal questions are asked while cores are busy and Redis is far away.
AGAIN = 10
REDIS_ROUND_TRIP_SECONDS = 0.02


@dataclass(frozen=True)
class Crowd:
    """`llm_calls` for equal questions at once; statuses of distinct ones."""

    llm_calls: int
    statuses: Counter[int]


async def crowd(urls: Sequence[str], llm: Endpoint) -> Crowd:
    llm.told.answer = _slowly
    async with _client() as http:
        calls = await _equal(http, urls, llm, "What do many ask at once?")
        distinct = await asyncio.gather(
            *(_ask(http, urls[n % len(urls)], f"What does user {n} ask?") for n in range(USERS))
        )
    return Crowd(calls, Counter(distinct))


async def equal_again_and_again(urls: Sequence[str], llm: Endpoint) -> list[int]:
    """The calls of the language model for each of ten crowds with a question of its own."""
    llm.told.answer = _slowly
    async with _client() as http:
        return [
            await _equal(http, urls, llm, f"What does crowd {crowd} ask at once?")
            for crowd in range(AGAIN)
        ]


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core of this machine busy."""
    command = [sys.executable, "-c", "while True: pass"]
    spinning = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None))


async def _equal(http: httpx.AsyncClient, urls: Sequence[str], llm: Endpoint, question: str) -> int:
    """The calls of the language model for one question that many ask at once."""
    before = len(llm.told.chat_calls)
    statuses = await asyncio.gather(
        *(_ask(http, urls[n % len(urls)], question) for n in range(EQUAL))
    )
    assert set(statuses) == {200}, Counter(statuses)
    return len(llm.told.chat_calls) - before


async def _ask(http: httpx.AsyncClient, url: str, question: str) -> int:
    reply = await http.post(f"{url}/api/rag/query", json={"question": question})
    return reply.status_code


def _slowly(_: object) -> str:
    time.sleep(LLM_SECONDS)
    return "an answer [1]"
