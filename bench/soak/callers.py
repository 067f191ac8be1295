"""Callers who ask without a pause, and judge the answers from their text."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from bench.soak.mixture import Ask, Mixture
from dev.demo.judge import Reply, Tally

CALLERS = 12
TRIES = 5


@dataclass
class Told:
    """`reported` is the revision whose swap has been reported; `urls` those of the replicas that
    are up. A caller whose replica dies asks another one, as one behind a Service does."""

    urls: list[str]
    reported: int
    left: int
    tally: Tally = field(default_factory=Tally)
    kinds: Counter[str] = field(default_factory=Counter)
    server_errors: list[str] = field(default_factory=list)
    wrongly_taken: list[str] = field(default_factory=list)
    asked_elsewhere: int = 0


async def ask_all(told: Told, mixtures: list[Mixture]) -> None:
    async with asyncio.TaskGroup() as group:
        for mixture in mixtures:
            group.create_task(_caller(told, mixture))


async def _caller(told: Told, mixture: Mixture) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as http:
        while told.left > 0:
            told.left -= 1
            ask = mixture.next()
            told.kinds[ask.kind] += 1
            if ask.kind == "hung up":
                await _hang_up(http, told, ask)
            else:
                await _ask(http, told, ask)


async def _hang_up(http: aiohttp.ClientSession, told: Told, ask: Ask) -> None:
    try:
        async with asyncio.timeout(0.004):
            await _post(http, told.urls[0], ask)
    except (TimeoutError, aiohttp.ClientError):
        pass


async def _ask(http: aiohttp.ClientSession, told: Told, ask: Ask) -> None:
    for attempt in range(TRIES):
        reported, began = told.reported, time.monotonic()
        try:
            status, text = await _post(http, told.urls[told.left % len(told.urls)], ask)
        except (aiohttp.ClientError, ConnectionError):
            told.asked_elsewhere += 1
            await asyncio.sleep(0.05 * (attempt + 1))
            continue
        if ask.kind == "bad":
            if not 400 <= status < 500:
                told.wrongly_taken.append(f"{status} {str(ask.body)[:60]}")
        else:
            told.tally.add(Reply(status, time.monotonic() - began, text, reported))
        if status >= 500:
            told.server_errors.append(f"{status} {text[:200]}")
        return
    told.server_errors.append(f"no replica took it in {TRIES} tries")


async def _post(http: aiohttp.ClientSession, url: str, ask: Ask) -> tuple[int, str]:
    """The status, and the text that an answer or chunks hold."""
    async with http.post(f"{url}/api/rag/{ask.path}", json=ask.body) as response:
        if response.status != 200:
            return response.status, await response.text()
        told = await response.json()
    if ask.path == "query":
        return 200, str(told["answer"])
    return 200, "\n".join(chunk["text"] for chunk in told["chunks"])
