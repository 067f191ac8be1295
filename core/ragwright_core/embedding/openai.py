"""Any endpoint that speaks OpenAI's embeddings protocol."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openai
import stamina

from ragwright_core.embedding.base import (
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
    SecretMissingError,
    TextRefusedError,
    Vectors,
)
from ragwright_core.index.descriptor import EmbeddingDescriptor

BATCH = 100  # the seed's
LONGEST_WAIT_SECONDS = 20.0
# Of a text, or of so many at once; other refusals are of the model, the path or the key.
_OF_TEXTS = frozenset({400, 413, 422})
_PASSING = (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError)


def read_api_key(secret_file: Path | None) -> str:
    """The key as it stands in the mounted file now, so that a rotated Secret needs no restart.

    Raises SecretMissingError naming the Secret when the file is not there.
    """
    if secret_file is None:
        return "none"
    try:
        return secret_file.read_text().strip()
    except FileNotFoundError:
        raise SecretMissingError(
            f"Secret {secret_file.parent.name} has no key {secret_file.name}, or does not exist: "
            f"kubectl create secret generic {secret_file.parent.name} "
            f"--from-literal={secret_file.name}=..."
        ) from None


class OpenAIEmbedder:
    """Batches of 100, fewer where the endpoint takes fewer, normalised. A batch is tried again
    until `deadline` (s) is over."""

    def __init__(
        self,
        descriptor: EmbeddingDescriptor,
        secret_file: Path | None,
        *,
        deadline: float = 90.0,
        timeout: float = 30.0,
    ) -> None:
        self.dimensions = descriptor.dimensions
        self._descriptor = descriptor
        self._secret_file = secret_file
        self._deadline = deadline
        self._asks_for_dimensions = True
        self._most = BATCH
        self._client = openai.AsyncOpenAI(
            base_url=descriptor.base_url, api_key="unset", max_retries=0, timeout=timeout
        )

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return await self._embed([self._descriptor.document_prefix + text for text in texts])

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embed([self._descriptor.query_prefix + text for text in texts])

    async def close(self) -> None:
        await self._client.close()

    async def _embed(self, texts: list[str]) -> Vectors:
        batches = []
        while texts:
            size = self._most
            batches.append(await self._batch(texts[:size]))
            texts = texts[size:]
        return np.concatenate(batches) if batches else np.zeros((0, self.dimensions), np.float32)

    async def _halves(self, texts: list[str]) -> Vectors:
        """Raises TextRefusedError when so many at once was not what the endpoint minds."""
        size = -(-len(texts) // 2)
        halves = await self._batch(texts[:size]), await self._batch(texts[size:])
        self._most = min(self._most, size)
        return np.concatenate(halves)

    async def _batch(self, texts: list[str]) -> Vectors:
        try:
            return self._checked(await self._tried(texts), len(texts))
        except TextRefusedError:
            if len(texts) == 1:
                raise
        return await self._halves(texts)

    async def _tried(self, texts: list[str]) -> list[list[float]]:
        endpoint = self._descriptor.base_url
        try:
            async for attempt in stamina.retry_context(
                on=_pause_before_retry, attempts=None, timeout=self._deadline, wait_initial=0.2
            ):
                with attempt:
                    return await self._request(texts)
        except _PASSING as error:
            raise EmbeddingUnavailableError(
                f"{endpoint} did not embed within {self._deadline:g} s ({_words(error)})"
            ) from None
        except openai.APIError as error:
            refused = f"{endpoint} refused to embed ({_words(error)})"
            if getattr(error, "status_code", None) in _OF_TEXTS:
                raise TextRefusedError(
                    f"{refused}: check embedding.model and dimensions, and whether the text is "
                    "longer than the model reads"
                ) from None
            raise EmbeddingRejectedError(
                f"{refused}: check embedding.model, dimensions and secretRef"
            ) from None
        raise AssertionError("it is tried until it works or raises")

    async def _request(self, texts: list[str]) -> list[list[float]]:
        client = self._client.with_options(api_key=read_api_key(self._secret_file))
        extra: dict[str, Any] = {"dimensions": self.dimensions} if self._asks_for_dimensions else {}
        try:
            reply = await client.embeddings.create(
                model=self._descriptor.model, input=texts, encoding_format="float", **extra
            )
        except openai.BadRequestError as error:
            # Servers of models with one fixed size refuse the parameter, whatever its value.
            if not extra or not re.search("dimension|matryoshka", str(error), re.IGNORECASE):
                raise
            self._asks_for_dimensions = False
            return await self._request(texts)
        return [item.embedding for item in sorted(reply.data, key=lambda item: item.index)]

    def _checked(self, rows: list[list[float]], count: int) -> Vectors:
        widths = {len(row) for row in rows}
        if len(rows) != count or widths != {self.dimensions}:
            raise EmbeddingRejectedError(
                f"{self._descriptor.base_url} returned {len(rows)} vectors of {sorted(widths)} "
                f"dimensions for {count} texts; embedding.dimensions is {self.dimensions}"
            )
        vectors = np.asarray(rows, dtype=np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(vectors).all() or (norms == 0).any():
            raise EmbeddingRejectedError(
                f"{self._descriptor.base_url} returned a vector that is zero or not finite"
            )
        vectors /= norms
        return vectors


def _pause_before_retry(error: Exception) -> bool | float:
    """Whether to try again, and when, if the endpoint says so."""
    if not isinstance(error, _PASSING):
        return False
    headers = error.response.headers if isinstance(error, openai.APIStatusError) else {}
    asked = headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT_SECONDS) if asked.isdigit() else True


def _words(error: openai.APIError) -> str:
    """Kind and status of an error; never its body, which may repeat what was sent."""
    status = getattr(error, "status_code", None)
    return f"HTTP {status}" if status else type(error).__name__
