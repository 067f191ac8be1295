"""`make bench-serve`: prints a table and its goals, and writes bench/results/serve.json."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import redis

from bench.goals import Goal, conclude
from bench.serve.crowd import Crowd, crowd
from bench.serve.load import AtHalf, at_half, most_per_second, require_tools
from bench.serve.peer import key_of
from bench.swap.run import build, pipeline_spec, repository
from dev.kubectl import until
from dev.stack import Stack, free_port, stack
from ragwright_core.spec import Cache, Llm, RagPipelineSpec
from tests.servers import openai_server

ROUNDS = 3
QUESTION = "When is parcel 8 of topic 1 refunded?"
BODY = orjson.dumps({"question": QUESTION}).decode()
OURS, FROM_REDIS, PEER = "remembered in the process", "from Redis", "plain FastAPI + Redis GET"


@dataclass
class Measured:
    """Requests a second, one for each round, and latency at half of their median."""

    rounds: list[float]
    half: AtHalf

    @property
    def most(self) -> float:
        return statistics.median(self.rounds)


@contextmanager
def peer(stores: Stack) -> Iterator[str]:
    """The peer on uvicorn with uvloop and httptools, as our own program."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.serve.peer:app", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--no-access-log", "--log-level", "warning"],
        env={**os.environ, "REDIS_URL": stores.redis_url},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url), 30, "the peer to answer")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/docs").status_code == 200
    except httpx.HTTPError:
        return False


def warm(ours: str, stores: Stack) -> None:
    """Ask once; what stands in Redis then is given to the peer as well."""
    for _ in range(5):
        reply = httpx.post(f"{ours}/api/rag/query", json={"question": QUESTION}, timeout=30)
        assert reply.status_code == 200, reply.text
    stored = {name: reply.json()[name] for name in ("answer", "sources")}
    redis.Redis.from_url(stores.redis_url).set(key_of(QUESTION, {}), orjson.dumps(stored))


def measure(urls: dict[str, str]) -> dict[str, Measured]:
    """Rounds in turn, so that a busy moment of the machine falls on all."""
    rounds: dict[str, list[float]] = {name: [] for name in urls}
    for _ in range(ROUNDS):
        for name, url in urls.items():
            rounds[name].append(most_per_second(f"{url}/api/rag/query", BODY))
    return {
        name: Measured(
            rounds[name], at_half(f"{url}/api/rag/query", BODY, statistics.median(rounds[name]))
        )
        for name, url in urls.items()
    }


def table_of(measured: dict[str, Measured]) -> list[dict[str, Any]]:
    return [
        {
            "row": name,
            "requests_s": round(found.most),
            "by_peer": round(found.most / measured[PEER].most, 2),
            "half_p50_ms": round(found.half.p50, 2),
            "half_p99_ms": round(found.half.p99, 2),
        }
        for name, found in measured.items()
    ]


def goals_of(measured: dict[str, Measured], seen: Crowd) -> list[Goal]:
    ours, from_redis, plain = (measured[name].most for name in (OURS, FROM_REDIS, PEER))
    others = sum(seen.statuses.values()) - seen.statuses[200] - seen.statuses[429]
    return [
        Goal("hit-requests-s", round(ours), at_least=15_000),
        Goal("hit-by-peer", round(ours / plain, 2), at_least=4),
        Goal("redis-hit-by-peer", round(from_redis / plain, 2), at_least=1.2),
        Goal("llm-calls-of-200-equal", seen.llm_calls, at_most=1),
        Goal("neither-200-nor-429-of-300", others, at_most=0),
    ]


def _without_memory(spec: RagPipelineSpec) -> RagPipelineSpec:
    return spec.model_copy(update={"cache": Cache(in_process_mebibytes=0)})


async def main() -> int:
    require_tools()
    with stack("serve") as stores, repository(stores.folder / "serve", 50) as (url, checkout):
        checkout.commit(1)
        checkout.push(url)
        spec = pipeline_spec(url)
        await build(stores, spec, "r1")
        ours, _ = stores.start_api(spec)
        from_redis, _ = stores.start_api(_without_memory(spec))
        with peer(stores) as plain:
            warm(ours, stores)
            measured = measure({OURS: ours, FROM_REDIS: from_redis, PEER: plain})
        with openai_server.serve() as llm:
            model = Llm(provider="openai", base_url=llm.url, model="slow")
            asking = spec.model_copy(update={"llm": model})
            seen = await crowd([stores.start_api(asking)[0] for _ in range(2)], llm)
    table = table_of(measured)
    for row in table:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    statuses = {str(status): count for status, count in sorted(seen.statuses.items())}
    table.append({"row": "300 users at once", **statuses})
    print(f"300 users at once: {statuses}")
    return conclude("serve", goals_of(measured, seen), table)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
