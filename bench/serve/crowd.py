"""Many questions at once, to two real API processes with a slow language model behind them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

import httpx

from tests.servers.openai_server import Endpoint

EQUAL, USERS = 200, 300
LLM_SECONDS = 0.3


@dataclass(frozen=True)
class Crowd:
    """`llm_calls` for equal questions at once; statuses of distinct ones."""

    llm_calls: int
    statuses: Counter[int]


async def crowd(urls: list[str], llm: Endpoint) -> Crowd:
    llm.told.answer = _slowly
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:
        before = len(llm.told.chat_calls)
        equal = await asyncio.gather(
            *(_ask(http, urls[n % len(urls)], "What do many ask at once?") for n in range(EQUAL))
        )
        assert set(equal) == {200}, Counter(equal)
        calls = len(llm.told.chat_calls) - before
        distinct = await asyncio.gather(
            *(_ask(http, urls[n % len(urls)], f"What does user {n} ask?") for n in range(USERS))
        )
    return Crowd(calls, Counter(distinct))


async def _ask(http: httpx.AsyncClient, url: str, question: str) -> int:
    reply = await http.post(f"{url}/api/rag/query", json={"question": question})
    return reply.status_code


def _slowly(_: object) -> str:
    time.sleep(LLM_SECONDS)
    return "an answer [1]"
