"""Asks a pipeline at a steady rate from this host, and judges the answers from their text."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

import aiohttp

from dev.demo.judge import Reply, Tally, revisions, verdict
from ragwright_core.contract import AFTER_COMMIT_SECONDS

RATE, CLIENTS = 50.0, 10
TERM_SECONDS = 0.25


@dataclass
class Reader:
    """`reported` is the revision whose swap has been reported; set it when it is."""

    api: str
    internal: str
    questions: Sequence[str]
    reported: int
    tally: Tally = field(default_factory=Tally)
    terms: list[tuple[float, int]] = field(default_factory=list)
    last_answers: dict[int, float] = field(default_factory=dict)  # by revision: when it came
    excusing: bool = False  # while the database is away: failures are counted apart
    excused: int = 0
    excused_at: float = 0.0  # when the last of them came
    _stopping: bool = False

    @contextmanager
    def asking(self) -> Iterator[Reader]:
        thread = Thread(target=lambda: asyncio.run(self._run()), name="reader", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stopping = True
            thread.join(timeout=20)

    def count(self, verdict: str) -> int:
        return self.tally.verdicts[verdict]

    @property
    def asked(self) -> int:
        return self.tally.verdicts.total()

    def terms_back(self) -> int:
        """How often a term came that is lower than one that came earlier than any lease lasts."""
        back, highest, recent = 0, 0, deque[tuple[float, int]]()
        for at, term in self.terms:
            recent.append((at, term))
            while recent[0][0] < at - AFTER_COMMIT_SECONDS:
                highest = max(highest, recent.popleft()[1])
            back += term < highest
        return back

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._client(number))
            group.create_task(self._watch_term())

    async def _client(self, number: int) -> None:
        interval = CLIENTS / RATE
        due = time.monotonic() + interval * number / CLIENTS
        turn = number
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as http:
            while not self._stopping:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due = max(due + interval, time.monotonic())
                question = self.questions[turn % len(self.questions)]
                use_cache = (turn // len(self.questions) + turn) % 2 == 0
                self._judge(await self._ask(http, question, use_cache=use_cache))
                turn += CLIENTS

    def _judge(self, reply: Reply) -> None:
        for revision in revisions(reply.answer) if reply.status == 200 else ():
            self.last_answers[revision] = time.monotonic()
        if self.excusing and verdict(reply) == "failed":
            self.excused += 1
            self.excused_at = time.monotonic()
        else:
            self.tally.add(reply)

    async def _ask(self, http: aiohttp.ClientSession, question: str, *, use_cache: bool) -> Reply:
        reported, began = self.reported, time.monotonic()
        asked = {"question": question, "use_cache": use_cache}
        try:
            async with http.post(f"{self.api}/api/rag/query", json=asked) as response:
                status, text = response.status, await response.text()
                answer = str((await response.json())["answer"]) if status == 200 else text
        except (aiohttp.ClientError, TimeoutError) as error:
            status, answer = 0, repr(error)
        return Reply(status, time.monotonic() - began, answer, reported)

    async def _watch_term(self) -> None:
        limit = aiohttp.ClientTimeout(3)
        async with aiohttp.ClientSession(timeout=limit) as http:
            while not self._stopping:
                with suppress(aiohttp.ClientError, TimeoutError, KeyError, TypeError):
                    async with http.get(f"{self.internal}/index") as response:
                        term = int((await response.json())["live"]["term"])
                        self.terms.append((time.monotonic(), term))
                await asyncio.sleep(TERM_SECONDS)
