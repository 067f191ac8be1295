"""The public port with caches, chunks and answers of this process's own memory: no I/O."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import numpy as np
from prometheus_client import CollectorRegistry

from ragwright_api.answering.admission import Admission
from ragwright_api.answering.answerers.base import Answer
from ragwright_api.answering.ask import Ask
from ragwright_api.answering.chunks import ChunkSearch
from ragwright_api.answering.fast_path import FastPath
from ragwright_api.answering.known import KnownAnswers, model_of
from ragwright_api.answering.make import Maker
from ragwright_api.caching.memory import Memory
from ragwright_api.http.ports import Public
from ragwright_api.http.public import create_app
from ragwright_api.index.invalidation import Invalidation
from ragwright_api.index.lease import Lease, LiveReader, LiveVersion, boot_clock
from ragwright_api.retrieval.embedders import Embedders
from ragwright_api.retrieval.question import Question
from ragwright_api.retrieval.retrieve import Retrieved
from ragwright_api.telemetry.logs import make_log
from ragwright_api.telemetry.metrics import Metrics
from ragwright_api.webhooks.receive import Webhooks
from ragwright_core.cachekeys import normalize_question
from ragwright_core.embedding import Embedder
from ragwright_core.filters import canonical
from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor
from ragwright_core.names import Identity
from ragwright_core.serving import Hook
from ragwright_core.spec import Cache, Load, Retrieval, SecretKey

VERSION = LiveVersion(
    number=7,
    id="0d9f6b2e-0000-4000-8000-000000000000",
    descriptor=Descriptor(
        shape="shape",
        revisions={"docs": "r1"},
        embedding=EmbeddingDescriptor(provider="embedded", model="wordllama", dimensions=64),
    ),
)


@dataclass
class Kept:
    """A cache of this process's own memory."""

    values: dict[str, bytes] = field(default_factory=dict)
    lives: dict[str, int] = field(default_factory=dict)
    reads: int = 0

    async def get(self, key: str, _: object) -> bytes | None:
        self.reads += 1
        return self.values.get(key)

    async def put(self, key: str, value: bytes, ttl_seconds: int, _: object) -> None:
        self.values[key] = value
        self.lives[key] = ttl_seconds

    def keep(self, key: str, value: bytes, ttl_seconds: int) -> asyncio.Task[None]:
        return asyncio.create_task(self.put(key, value, ttl_seconds, None))

    async def seconds_left(self, key: str, _: object) -> float:
        return self.lives[key]


@dataclass
class Asked:
    """A retrieval and an answerer that record their questions."""

    questions: list[tuple[str, dict[str, Any], int]] = field(default_factory=list)
    fingerprint: str = "f"

    async def retrieve(self, question: Question, *_: object) -> Retrieved:
        wanted = question.wanted
        asked = normalize_question(wanted.question)
        self.questions.append((asked, canonical(wanted.filters), wanted.top_k))
        return Retrieved((), np.zeros(1, np.float32))

    async def recall(self, *_: object) -> None:
        return None

    search = retrieve

    async def answer(self, question: str, *_: object) -> Answer:
        return Answer(f"answer to {question}", ("guide/refunds.md#L10-L42", "https://docs/x"))


def no_model(_: object) -> Embedder:
    raise AssertionError("the answerer compares nothing")


class Port:
    """A public port. `remembers` is the size of its memory in bytes. `pushes` are the calls of
    webhooks that were written down, with their sources."""

    def __init__(self, remembers: int = 0, hooks: Sequence[Hook] = ()) -> None:
        self.secrets: dict[SecretKey, str] = {}
        self.pushes: list[tuple[str, str]] = []
        self.cache, self.asked, self.epoch = Kept(), Asked(), 0
        self.draining, self.log = False, io.StringIO()

        async def read() -> Lease:
            return Lease(replace(VERSION, term=3, epoch=self.epoch))

        async def no_pause(_: float) -> None:
            await asyncio.sleep(0)

        reader = LiveReader(read)
        metrics = Metrics(
            CollectorRegistry(), Identity(namespace="n", name="p", uid="u", cluster="c")
        )
        known = KnownAnswers(
            schema="rag_n_p",
            cache=self.cache,  # type: ignore[arg-type]
            memory=Memory(remembers),
            model=model_of(self.asked.fingerprint, Retrieval()),
            ttl=Cache().answer_ttl,
        )
        admission = Admission(Load())
        maker = Maker(
            admission,
            retrieval=self.asked,  # type: ignore[arg-type]
            embedders=Embedders(no_model),
            answerer=self.asked,  # type: ignore[arg-type]
            metrics=metrics,
        )
        self.public = Public(
            fast=FastPath(reader, known, metrics, lambda: self.draining),
            ask=Ask(reader, known, maker, metrics),
            search=ChunkSearch(reader, admission, self.asked),  # type: ignore[arg-type]
            invalidate=Invalidation(self, reader, boot_clock, no_pause),
            own=Retrieval(),
            webhooks=Webhooks(
                {hook.source: hook for hook in hooks}, self.secrets.get, self.push, metrics
            ),
            metrics=metrics,
            clock=boot_clock,
            draining=lambda: self.draining,
        )
        self.app = create_app(self.public, make_log(self.log))

    async def push(self, source: str, call: str) -> bool:
        is_new = (source, call) not in self.pushes
        self.pushes.append((source, call))
        return is_new

    async def raise_epoch(self) -> None:
        self.epoch += 1

    async def raise_epoch_if_due(self, _: float) -> float:
        self.epoch += 1
        return 0.0

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of the log."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://api:8000")
