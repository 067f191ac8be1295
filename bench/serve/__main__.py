"""`make bench-serve`: prints a table and its goals, and writes bench/results/serve.json."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import redis

from bench.serve import beside
from bench.serve.crowd import (
    REDIS_ROUND_TRIP_SECONDS,
    busy_cores,
    crowd,
    equal_again_and_again,
)
from bench.serve.load import Latency, at_half, most_per_second, require_tools
from bench.serve.peer import key_of
from bench.swap.run import build, pipeline_spec, repository
from dev.goals import Goal, conclude
from dev.kubectl import until
from dev.servers import openai_server
from dev.servers.far import far_by_itself
from dev.stack import Stack, free_port, stack
from ragwright_core.spec import Api, Cache, Embedding, Llm, Load, RagPipelineSpec

ROUNDS = 3
QUESTION = "When is parcel 8 of topic 1 refunded?"
BODY = orjson.dumps({"question": QUESTION}).decode()
OURS, FROM_REDIS, PEER = "remembered in the process", "from Redis", "plain FastAPI + Redis GET"


@dataclass
class Measured:
    """Requests a second, one for each round, and latency at half of their median."""

    rounds: list[float]
    half: Latency

    @property
    def most(self) -> float:
        return statistics.median(self.rounds)


@dataclass(frozen=True)
class Part:
    """What one part of the benchmark has measured."""

    goals: list[Goal]
    table: list[dict[str, Any]]


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


def ask_often(url: str) -> httpx.Response:
    """Ask until the answer stands in every cache."""
    for _ in range(5):
        reply = httpx.post(f"{url}/api/rag/query", json={"question": QUESTION}, timeout=30)
        assert reply.status_code == 200, reply.text
    return reply


def warm(ours: str, stores: Stack) -> None:
    """What stands in Redis then is given to the peer as well."""
    reply = ask_often(ours)
    stored = {name: reply.json()[name] for name in ("answer", "sources")}
    redis.Redis.from_url(stores.redis_url).set(key_of(QUESTION, {}), orjson.dumps(stored))


def measure(urls: dict[str, str]) -> dict[str, Measured]:
    """Measure in alternating rounds, so that a busy moment of the machine affects all alike."""
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


def goals_of(measured: dict[str, Measured]) -> list[Goal]:
    ours, from_redis, plain = (measured[name].most for name in (OURS, FROM_REDIS, PEER))
    return [
        Goal("hit-requests-s", round(ours), at_least=15_000),
        Goal("hit-by-peer", round(ours / plain, 2), at_least=4),
        Goal("redis-hit-by-peer", round(from_redis / plain, 2), at_least=1.2),
    ]


def _without_memory(spec: RagPipelineSpec) -> RagPipelineSpec:
    return spec.model_copy(update={"cache": Cache(in_process_memory="0")})


async def hits(stores: Stack, spec: RagPipelineSpec) -> Part:
    """Cached answers beside plain FastAPI."""
    ours, _ = stores.start_api(spec)
    from_redis, _ = stores.start_api(_without_memory(spec))
    with peer(stores) as plain:
        warm(ours, stores)
        measured = measure({OURS: ours, FROM_REDIS: from_redis, PEER: plain})
    return Part(goals_of(measured), table_of(measured))


async def crowds(stores: Stack, spec: RagPipelineSpec) -> Part:
    """Many questions at once, the last ones with busy cores and Redis far away."""
    with openai_server.serve() as llm:
        model = Llm(provider="openai", base_url=llm.url, model="slow")
        asking = spec.model_copy(update={"llm": model})
        seen = await crowd([stores.start_api(asking)[0] for _ in range(2)], llm)
        with away(stores) as far:
            urls = [far.start_api(asking)[0] for _ in range(2)]
            with busy_cores():
                again = await equal_again_and_again(urls, llm)
    statuses = {str(status): count for status, count in sorted(seen.statuses.items())}
    others = sum(seen.statuses.values()) - seen.statuses[200] - seen.statuses[429]
    goals = [
        Goal("llm-calls-of-200-equal", seen.llm_calls, at_most=1),
        Goal("neither-200-nor-429-of-300", others, at_most=0),
        Goal("llm-calls-of-200-equal-busy-and-far", max(again), at_most=1),
    ]
    runs = {"row": "calls of 200 equal, cores busy, Redis 20 ms away", "runs": again}
    return Part(goals, [{"row": "300 users at once", **statuses}, runs])


@contextmanager
def away(stores: Stack) -> Iterator[Stack]:
    """The same stores, but Redis is 20 ms away."""
    port = urlsplit(stores.redis_url).port
    assert port is not None
    with far_by_itself(port, REDIS_ROUND_TRIP_SECONDS) as far:
        yield replace(stores, redis_url=stores.redis_url.replace(f":{port}", f":{far}"))


async def misses(stores: Stack, spec: RagPipelineSpec) -> Part:
    """Cached answers beside questions that MiniLM embeds in the same process."""
    room = Api(load=Load(queue=beside.IN_FLIGHT))
    changed = {"embedding": Embedding(model="minilm"), "api": room}
    with_minilm = spec.model_copy(update=changed)
    await build(stores, with_minilm, "r2")
    url, _ = stores.start_api(with_minilm)
    ask_often(url)
    rounds = await beside.measure(url, BODY)
    return Part(beside.goals_of(rounds), beside.rows_of(rounds))


async def main() -> int:
    require_tools()
    goals: list[Goal] = []
    table: list[dict[str, Any]] = []
    with stack("serve") as stores, repository(stores.folder / "serve", 50) as (url, checkout):
        checkout.commit(1)
        checkout.push(url)
        spec = pipeline_spec(url)
        await build(stores, spec, "r1")
        for measure_part in (hits, crowds, misses):
            part = await measure_part(stores, spec)
            for row in part.table:
                print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            goals += part.goals
            table += part.table
            stores.stop_apis()
    return conclude("serve", goals, table)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
