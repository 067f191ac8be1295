"""The peer: the same cached hit as one writes it with FastAPI and Redis, without any promise.

`uvicorn bench.serve.peer:app`, with the Redis to ask in REDIS_URL.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from typing import Any

import redis.asyncio as redis
from fastapi import FastAPI
from pydantic import BaseModel

PREFIX = "peer:response:"


class Query(BaseModel):
    question: str
    filters: dict[str, Any] = {}
    use_cache: bool = True


class Answer(BaseModel):
    answer: str
    sources: list[str]
    from_cache: bool
    latency_ms: float


def key_of(question: str, filters: dict[str, Any]) -> str:
    text = f"{question.strip().lower()}{json.dumps(filters, sort_keys=True)}"
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


def make_app(url: str) -> FastAPI:
    app, client = FastAPI(), redis.Redis.from_url(url)

    @app.post("/api/rag/query")
    async def query(body: Query) -> Answer:
        began = time.perf_counter()
        cached = await client.get(key_of(body.question, body.filters))
        assert isinstance(cached, bytes), "the benchmark puts it there"
        latency = round((time.perf_counter() - began) * 1000, 1)
        return Answer(**json.loads(cached), from_cache=True, latency_ms=latency)

    return app


app = make_app(os.environ.get("REDIS_URL", "redis://localhost"))
