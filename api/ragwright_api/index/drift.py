"""Whether the embedding endpoint still has the model that the live version was built with."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from prometheus_client import Gauge

from ragwright_api.unanswered import UnansweredError
from ragwright_core.contract import SAME_MODEL_COSINE
from ragwright_core.embedding import (
    Embedder,
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
)
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.sentences import SENTENCES, lowest_cosine

# We look for a new version this often. The model of the same version is checked every hour.
LOOK_SECONDS = 10.0
AGAIN_SECONDS = 3600.0


@dataclass(frozen=True)
class Fixed:
    """The live version's id, its model, and its sentences' vectors (None if never stored)."""

    version_id: str
    embedding: EmbeddingDescriptor
    vectors: list[list[float]] | None


Read = Callable[[], Awaitable[Fixed | None]]
# Makes sure that no answer and no question's vector that was stored until now is found again.
Forget = Callable[[], Awaitable[None]]
GetEmbedder = Callable[[EmbeddingDescriptor], Awaitable[Embedder]]


class Drift:
    """The result of the last check. `cosine` is None before the first check."""

    def __init__(
        self, gauge: Gauge, log: Any, forget: Forget, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.cosine: float | None = None
        self._gauge = gauge
        self._forget = forget
        self._log = log
        self._clock = clock
        self._checked: tuple[str, float] | None = None

    @property
    def changed(self) -> bool:
        """Whether the endpoint has another model, so that nothing may be cached."""
        return self.cosine is not None and self.cosine < SAME_MODEL_COSINE

    async def watch(
        self, read: Read, embedder: GetEmbedder, *, look_seconds: float = LOOK_SECONDS
    ) -> None:
        """Check the model again and again until cancelled."""
        while True:
            try:
                await self.check(read, embedder)
            except (EmbeddingUnavailableError, EmbeddingRejectedError, UnansweredError):
                pass  # an endpoint or a database that is away is no change of the model
            except Exception as error:
                self._log.error("fault", while_checking="sentences", kind=type(error).__name__)
            await asyncio.sleep(look_seconds * random.uniform(0.8, 1.2))

    async def check(self, read: Read, embedder: GetEmbedder) -> None:
        """Embed the sentences of the live version again, if it is new or an hour has passed."""
        fixed = await read()
        if fixed is None or not self._is_due(fixed.version_id):
            return
        if fixed.vectors is None:
            self.cosine = None
            self._gauge.set(float("nan"))
        else:
            model = await embedder(fixed.embedding)
            now = await model.embed_documents(SENTENCES)
            await self._found(lowest_cosine(fixed.vectors, now))
        self._checked = (fixed.version_id, self._clock() + AGAIN_SECONDS * random.uniform(0.9, 1.1))

    def _is_due(self, version_id: str) -> bool:
        if self._checked is None:
            return True
        checked, again_at = self._checked
        return checked != version_id or self._clock() >= again_at

    async def _found(self, cosine: float) -> None:
        """Handle a check's result. Values that were stored since the last check, also by other
        replicas, may be of either model. They are forgotten when a change is found, and again
        before caches open."""
        self._gauge.set(cosine)
        before = self.changed
        if cosine < SAME_MODEL_COSINE:
            self.cosine = cosine
            if not before:
                self._log.warning("embedding model changed", cosine=round(cosine, 4))
        if self.changed:
            await self._forget()
        self.cosine = cosine
        if before and not self.changed:
            self._log.info("embedding model is as it was", cosine=round(cosine, 4))


Watch = Callable[[Drift, Read, GetEmbedder], Coroutine[Any, Any, None]]
