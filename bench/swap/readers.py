"""Readers that run across the swaps: HTTP clients of the query API, and one plain SQL reader."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import httpx
import psycopg

from dev.demo.judge import Reply, Tally, revisions


@dataclass
class Timeline:
    """Every reply with the moment it began, so that windows can be cut out afterwards.

    `settled` is the revision that has been reported, until the next swap begins: a question that
    begins and ends in between must be answered from it, also after a rollback to an older one.
    """

    tally: Tally = field(default_factory=Tally)
    samples: list[tuple[float, float]] = field(default_factory=list)
    settled: int | None = None
    stale: int = 0

    def add(self, reply: Reply, began: float, settled: int | None) -> None:
        self.tally.add(reply)
        self.samples.append((began, reply.seconds))
        if settled is not None and settled == self.settled and reply.status == 200:
            self.stale += bool(revisions(reply.answer) - {settled})

    def between(self, start: float, end: float) -> list[float]:
        """Seconds of the replies that began in [start, end)."""
        return [seconds for began, seconds in self.samples if start <= began < end]


class HttpReaders:
    """`clients` that each ask every `interval` seconds, alternately with and without cache."""

    def __init__(self, urls: list[str], questions: list[str], clients: int, interval: float):
        self._urls = urls
        self._questions = questions
        self._clients = clients
        self._interval = interval
        self.timeline = Timeline()
        self.stopping = asyncio.Event()

    async def _client(self, number: int) -> None:
        url = self._urls[number % len(self._urls)]
        async with httpx.AsyncClient(base_url=url, timeout=10) as http:
            turn = number
            while not self.stopping.is_set():
                began = time.monotonic()
                body = {
                    "question": self._questions[turn % len(self._questions)],
                    "use_cache": (turn // self._clients) % 2 == 0,
                }
                await self._ask(http, body, began)
                turn += self._clients
                await asyncio.sleep(max(0.0, began + self._interval - time.monotonic()))

    async def _ask(self, http: httpx.AsyncClient, body: dict[str, object], began: float) -> None:
        settled = self.timeline.settled
        try:
            response = await http.post("/api/rag/query", json=body)
            status, text = response.status_code, response.text
            answer = response.json()["answer"] if status == 200 else text
        except httpx.HTTPError as error:
            status, answer = 0, repr(error)
        reply = Reply(status, time.monotonic() - began, answer, reported=0)
        self.timeline.add(reply, began, settled)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self._clients):
                group.create_task(self._client(number))


@dataclass
class SqlReader:
    """Reads from the stable view, as a person or another tool would."""

    database_url: str
    schema: str
    reads: int = 0
    errors: int = 0
    empty: int = 0
    mixed: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self.database_url, autocommit=True, options=f"-c search_path={self.schema},public"
        )
        async with connection:
            while not self.stopping.is_set():
                await self._read(connection)
                await asyncio.sleep(0.01)

    async def _read(self, connection: psycopg.AsyncConnection[tuple[str]]) -> None:
        self.reads += 1
        try:
            rows = await (await connection.execute("SELECT text FROM chunks LIMIT 50")).fetchall()
        except psycopg.Error:
            self.errors += 1
            return
        found = frozenset().union(*(revisions(text) for (text,) in rows))
        self.empty += not rows
        self.mixed += len(found) > 1
