"""Any endpoint that speaks OpenAI's embeddings protocol."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragwright_core.embedding.asking import Patience, Patient, TooSlowError
from ragwright_core.embedding.base import (
    EmbeddingChangedError,
    EmbeddingRejectedError,
    TextRefusedError,
    Vectors,
)
from ragwright_core.endpoint import Endpoint
from ragwright_core.endpoint.options import Asker, Option
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.sentences import SENTENCES, is_same_model
from ragwright_core.network import Network

# How refusals call the dimensions. A library's own fault speaks of "dimension 1" or "out of range".
_DIMENSIONS = r"dimension(?! out of| \d)|matryoshka"
BATCH = 100  # texts in a request, as docs/reference/http-api.md promises


@dataclass(frozen=True)
class Witness:
    """A text, prefix included, and its vector by the expected model. The text is part of every
    request, and its vector in the response shows which model answered."""

    text: str
    vector: NDArray[np.float32]


class OpenAIEmbedder:
    """Embeds in batches of 100, or fewer if the endpoint takes fewer or is slow, and normalises. It
    gives up after `deadline` seconds without a success. `timeout` is for one request. With a
    `witness`, EmbeddingChangedError may be raised."""

    def __init__(  # noqa: PLR0913 - what a test replaces
        self,
        descriptor: EmbeddingDescriptor,
        secret_file: Path | None,
        network: Network | None = None,
        *,
        deadline: float = 90.0,
        timeout: float = 30.0,
        witness: Witness | None = None,
    ) -> None:
        self.dimensions = descriptor.dimensions
        self._descriptor = descriptor
        self._deadline = deadline
        self._witness = witness
        self._most = BATCH if witness is None else BATCH - 1
        self._in_time = BATCH
        self._takes_one = False
        self._vouched = False
        network = network or Network.of(os.environ)
        self._endpoint = Endpoint(descriptor.base_url or "", secret_file, network, timeout=timeout)
        sizes = Option(("dimensions",), self.dimensions, also=_DIMENSIONS)
        self._patient = Patient(
            Asker(self._endpoint, "/embeddings", [sizes]),
            descriptor.model,
            self.dimensions,
            witness.text if witness else descriptor.document_prefix + SENTENCES[0],
        )

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return await self._embed([self._descriptor.document_prefix + text for text in texts])

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embed([self._descriptor.query_prefix + text for text in texts])

    async def close(self) -> None:
        await self._endpoint.close()

    async def _embed(self, texts: list[str]) -> Vectors:
        batches = []
        self._vouched = False
        while texts:
            size = self._most
            batches.append(await self._batch(texts[:size]))
            texts = texts[size:]
        return np.concatenate(batches) if batches else np.zeros((0, self.dimensions), np.float32)

    async def _batch(self, texts: list[str]) -> Vectors:
        return await self._within(Patience(self._deadline), texts)

    async def _within(self, patience: Patience, texts: list[str]) -> Vectors:
        if self._takes_one and len(texts) == 1:
            return await self._apart(patience, texts)
        if len(texts) > self._in_time:
            return await self._halves(patience, texts)
        try:
            return await self._witnessed(patience, texts)
        except TextRefusedError:
            if len(texts) == 1 and self._witness is None:
                raise
        except TooSlowError:
            if len(texts) > 1:
                return await self._halves(patience, texts, slow=True)
        apart = self._halves if len(texts) > 1 else self._apart
        return await apart(patience, texts)

    async def _halves(self, patience: Patience, texts: list[str], *, slow: bool = False) -> Vectors:
        """Embed in two smaller requests. A TextRefusedError from here means that the endpoint
        refuses a text, not the number of texts."""
        size = -(-len(texts) // 2)
        first = await self._within(patience, texts[:size])
        if slow:
            self._in_time = min(self._in_time, size)
        second = await self._within(patience, texts[size:])
        self._most = min(self._most, size)
        return np.concatenate([first, second])

    async def _apart(self, patience: Patience, texts: list[str]) -> Vectors:
        """Embed one text at an endpoint that takes only one per request: the witness is embedded
        before and after it, where the one after a text is also the one before the next. If the
        witness is refused too, the text is not the cause."""
        if not self._vouched:
            await self._vouch(patience)
        self._vouched = False
        vectors = await self._patient.vectors(texts, patience)
        await self._vouch(patience)
        self._takes_one = True
        return vectors

    async def _vouch(self, patience: Patience) -> None:
        try:
            await self._witnessed(patience, [])
        except TextRefusedError as error:
            raise EmbeddingRejectedError(*error.args) from None
        self._vouched = True

    async def _witnessed(self, patience: Patience, texts: list[str]) -> Vectors:
        """Embed in one request, and check that the witness's model answered."""
        if self._witness is None:
            return await self._patient.vectors(texts, patience)
        asked = [*texts, self._witness.text]
        vectors = await self._patient.vectors(asked, patience)
        if not is_same_model([self._witness.vector], vectors[-1:]):
            raise EmbeddingChangedError(
                f"{self._endpoint.url.shown} answers with another model under the same name"
            )
        return vectors[:-1]
