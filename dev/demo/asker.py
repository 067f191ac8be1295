"""Runs in the cluster: asks questions at a steady rate and judges the answers.

Port 8080 tells how it stands (GET /tally) and is told what has been reported
(POST /reported/2) and when to stop (POST /stop).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path

import aiohttp
import uvicorn
from fastapi import FastAPI
from judge import Reply, Tally  # type: ignore[import-not-found]  # beside it in the ConfigMap


class Asker:
    """`clients` askers that together send `rate` questions a second, half of them uncached."""

    def __init__(self, url: str, questions: list[str], clients: int, rate: float) -> None:
        self.url = url
        self.questions = questions
        self.clients = clients
        self.interval = clients / rate
        self.tally = Tally()
        self.reported = 0
        self.stopping = asyncio.Event()

    async def ask(self, http: aiohttp.ClientSession, question: str, *, use_cache: bool) -> Reply:
        reported, began = self.reported, time.monotonic()
        asked = {"question": question, "use_cache": use_cache}
        try:
            async with http.post(f"{self.url}/api/rag/query", json=asked) as response:
                status, text = response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            status, text = 0, repr(error)
        seconds = time.monotonic() - began
        answer = str(json.loads(text)["answer"]) if status == 200 else text
        return Reply(status=status, seconds=seconds, answer=answer, reported=reported)

    async def client(self, number: int) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as http:
            due = time.monotonic() + self.interval * number / self.clients
            turn = number
            while not self.stopping.is_set():
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due = max(due + self.interval, time.monotonic())
                question = self.questions[turn % len(self.questions)]
                # The parity of the round, not of the turn: each question is asked both ways.
                use_cache = (turn // len(self.questions) + turn) % 2 == 0
                self.tally.add(await self.ask(http, question, use_cache=use_cache))
                turn += self.clients

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self.clients):
                group.create_task(self.client(number))


def control(asker: Asker) -> FastAPI:
    app = FastAPI()

    @app.get("/tally")
    async def tally() -> dict[str, object]:
        return dict(asker.tally.summary())

    @app.post("/reported/{revision}")
    async def reported(revision: int) -> None:
        asker.reported = revision

    @app.post("/stop")
    async def stop() -> None:
        asker.stopping.set()

    return app


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="base URL of the query API")
    parser.add_argument("questions", type=Path, help="a file with one question a line")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rate", type=float, default=24.0, help="questions a second, altogether")
    options = parser.parse_args()
    asker = Asker(
        options.url, options.questions.read_text().splitlines(), options.clients, options.rate
    )
    server = uvicorn.Server(
        uvicorn.Config(control(asker), host="0.0.0.0", port=8080, log_level="warning")
    )
    serving = asyncio.create_task(server.serve())
    await asker.run()
    server.should_exit = True
    await serving
    print(json.dumps(asker.tally.summary()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
