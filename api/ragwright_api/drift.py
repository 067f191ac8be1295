"""Whether the embedding endpoint still has the model that the live version was built with."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from prometheus_client import Gauge

from ragwright_api.errors import UnansweredError
from ragwright_core.embedding import (
    Embedder,
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
)
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.sentences import SAME_MODEL_COSINE, SENTENCES, lowest_cosine

# A new version is looked for this often; the same one is asked again every hour.
LOOK_SECONDS = 10.0
AGAIN_SECONDS = 3600.0


@dataclass(frozen=True)
class Fixed:
    """The live version's id, how it embeds, and its sentences' vectors; None: never stored."""

    version_id: str
    embedding: EmbeddingDescriptor
    vectors: list[list[float]] | None


Read = Callable[[], Awaitable[Fixed | None]]
GetEmbedder = Callable[[EmbeddingDescriptor], Awaitable[Embedder]]


class Drift:
    """What the last check found; `cosine` is None while there was none."""

    def __init__(self, gauge: Gauge, log: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self.cosine: float | None = None
        self._gauge = gauge
        self._log = log
        self._clock = clock
        self._checked: tuple[str, float] | None = None

    @property
    def changed(self) -> bool:
        """Whether nothing may be cached: its vectors and answers would be of another model."""
        return self.cosine is not None and self.cosine < SAME_MODEL_COSINE

    async def watch(
        self, read: Read, embedder: GetEmbedder, *, look_seconds: float = LOOK_SECONDS
    ) -> None:
        """Check for as long as the process lives. Runs until cancelled."""
        while True:
            try:
                await self.check(read, embedder)
            except (EmbeddingUnavailableError, EmbeddingRejectedError, UnansweredError):
                pass  # who is away has not changed
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
            self._found(lowest_cosine(fixed.vectors, now))
        self._checked = (fixed.version_id, self._clock() + AGAIN_SECONDS * random.uniform(0.9, 1.1))

    def _is_due(self, version_id: str) -> bool:
        if self._checked is None:
            return True
        checked, again_at = self._checked
        return checked != version_id or self._clock() >= again_at

    def _found(self, cosine: float) -> None:
        before, self.cosine = self.changed, cosine
        self._gauge.set(cosine)
        if self.changed and not before:
            self._log.warning("embedding model changed", cosine=round(cosine, 4))
        elif before and not self.changed:
            self._log.info("embedding model is as it was", cosine=round(cosine, 4))


Watch = Callable[[Drift, Read, GetEmbedder], Coroutine[Any, Any, None]]
