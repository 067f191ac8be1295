"""Asks an endpoint for vectors, patiently, and finds out whether it or the texts are at fault."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ragwright_core.embedding.base import (
    EmbeddingRejectedError,
    EmbeddingUnavailableError,
    SecretMissingError,
    TextRefusedError,
    Vectors,
)
from ragwright_core.embedding.reply import (
    MisnumberedError,
    NoEmbeddingsError,
    NoVectorError,
    read_vectors,
)
from ragwright_core.endpoint import EndpointError, Failure, KeyUnusableError, Topic, Verdict
from ragwright_core.endpoint.options import Asker
from ragwright_core.endpoint.waiting import pause

LONGEST_WAIT_SECONDS = 20.0
# What a number takes in JSON, with room for white space.
_BYTES_A_NUMBER = 64
_BYTES_AROUND = 1 << 20


class TooSlowError(EmbeddingUnavailableError):
    """So many texts take too long; fewer may not."""


class Patience:
    """How long to go on without a success, in seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.renew()

    def renew(self) -> None:
        self._ends_at = time.monotonic() + self.seconds

    def lasts(self, seconds: float) -> bool:
        return time.monotonic() + seconds < self._ends_at


@dataclass(frozen=True)
class _Doubt:
    """After `failures`, it is asked whether the endpoint embeds others. Where it did so `proofs`
    times, and the texts fail once more, they are at fault."""

    failures: int
    proofs: int
    words: str


_DOUBTS = {
    Verdict.REFUSED: _Doubt(1, 1, "refuses"),
    Verdict.UNUSABLE: _Doubt(1, 1, "gives no embedding for"),
    Verdict.SLOW: _Doubt(1, 1, "fails for"),
    Verdict.PASSING: _Doubt(3, 1, "fails for"),
    Verdict.BUSY: _Doubt(3, 2, "puts off"),
}
_CURES: dict[int | None, str] = {
    **dict.fromkeys((401, 403), "check embedding.secretKeyRef"),
    **dict.fromkeys((404, 405, 410), "check embedding.baseUrl and model"),
    **dict.fromkeys((None, 301, 302, 303, 307, 308), "check embedding.baseUrl"),
}
# Nothing but the texts changes what these mean.
_FINAL = frozenset({Verdict.REFUSED, Verdict.UNUSABLE})


@dataclass(frozen=True)
class Patient:
    """`harmless` is a text that every model embeds: it tells whether the endpoint works."""

    asker: Asker
    model: str
    dimensions: int
    harmless: str

    async def vectors(self, texts: Sequence[str], patience: Patience) -> Vectors:
        """Unit vectors, from one request that is repeated while that may help. A TextRefusedError
        may be about any of the texts. Raises Embedding*Error, TextRefusedError, TooSlowError."""
        failures: Counter[Verdict] = Counter()
        proofs = waits = 0
        while True:
            try:
                found = await self._once(texts)
            except EndpointError as error:
                failure = error.failure
            else:
                patience.renew()
                return found
            self._raise_if_of_texts(failure, texts)
            failures[failure.verdict] += 1
            doubt = _DOUBTS[failure.verdict]
            if proofs >= doubt.proofs:
                raise self._at_fault(failure, doubt)
            if failures[failure.verdict] >= doubt.failures:
                if await self._embeds_others(texts, failure, patience):
                    patience.renew()
                    proofs += 1
                    if failure.verdict is not Verdict.BUSY:
                        continue
                elif failure.verdict in _FINAL:
                    raise self._rejected(failure)
            await self._wait(waits, failure, patience)
            waits += 1

    @property
    def _endpoint(self) -> str:
        return self.asker.endpoint.url.shown

    async def _once(self, texts: Sequence[str]) -> Vectors:
        most = len(texts) * self.dimensions * _BYTES_A_NUMBER + _BYTES_AROUND
        payload = {"model": self.model, "input": list(texts)}
        try:
            reply = await self.asker.ask(payload, most)
            return read_vectors(reply, len(texts), self.dimensions)
        except KeyUnusableError as error:
            raise SecretMissingError(str(error), str(error)) from None
        except NoEmbeddingsError as error:
            raise EndpointError(Failure(Verdict.UNUSABLE, str(error))) from None
        except MisnumberedError:
            words = "it numbered its vectors so that nobody can tell whose they are"
            raise EndpointError(Failure(Verdict.UNUSABLE, words)) from None
        except NoVectorError:
            words = "returned a vector that is zero or not finite"
            raise TextRefusedError(f"{self._endpoint} {words}", words) from None

    async def _embeds_others(
        self, texts: Sequence[str], failure: Failure, patience: Patience
    ) -> bool:
        """Whether harmless texts are embedded. A server that died of a text is given time to come
        back. Limits of requests, tokens or money are for whoever comes next, and for what is long:
        then the harmless texts are as many and as long, and have one try."""
        if list(texts) == [self.harmless]:
            return False
        limited = failure.verdict is Verdict.BUSY or failure.topic is Topic.QUOTA
        others = [_as_long(self.harmless, text) for text in texts] if limited else [self.harmless]
        waits = 0
        while True:
            try:
                await self._once(others)
            except EmbeddingRejectedError:
                return False
            except EndpointError as error:
                other = error.failure
            else:
                return True
            if limited or other.verdict in _FINAL or other.verdict is Verdict.TEXTS:
                return False
            await self._wait(waits, other, patience)
            waits += 1

    async def _wait(self, waits: int, failure: Failure, patience: Patience) -> None:
        """Raises EmbeddingUnavailableError where patience ends before."""
        seconds = min(pause(waits, failure.retry_after), LONGEST_WAIT_SECONDS)
        if not patience.lasts(seconds):
            words = f"did not embed within {patience.seconds:g} s ({failure.words})"
            raise EmbeddingUnavailableError(f"{self._endpoint} {words}", words)
        await asyncio.sleep(seconds)

    def _raise_if_of_texts(self, failure: Failure, texts: Sequence[str]) -> None:
        if failure.verdict is Verdict.SLOW and len(texts) > 1:
            raise TooSlowError(f"{self._endpoint} gave {failure.words}", failure.words)
        if failure.verdict is Verdict.TEXTS:
            words = f"refused to embed ({failure.words})"
            raise TextRefusedError(
                f"{self._endpoint} {words}: check embedding.model and dimensions, and whether the "
                "text is longer than the model reads",
                words,
            )

    def _at_fault(self, failure: Failure, doubt: _Doubt) -> TextRefusedError:
        return TextRefusedError(
            f"{self._endpoint} embeds other texts, and {doubt.words} this one ({failure.words}): "
            "shorten or exclude its document",
            f"{doubt.words} this text ({failure.words})",
        )

    def _rejected(self, failure: Failure) -> EmbeddingRejectedError:
        if failure.verdict is Verdict.UNUSABLE:
            words = f"did not answer with embeddings ({failure.words})"
            cure = "check embedding.baseUrl, model and dimensions"
        else:
            words, cure = f"refused to embed ({failure.words})", _cure(failure)
        return EmbeddingRejectedError(f"{self._endpoint} {words}: {cure}", words)


def _as_long(harmless: str, text: str) -> str:
    times = -(-len(text) // (len(harmless) + 1)) or 1
    return " ".join([harmless] * times)[: max(len(text), len(harmless))]


def _cure(failure: Failure) -> str:
    if failure.detail:
        return failure.detail
    match failure.topic:
        case Topic.QUOTA:
            return "its quota is used up; raise it, or name another key in embedding.secretKeyRef"
        case Topic.TOO_HIGH | Topic.TOO_LOW:
            return "check embedding.dimensions, its model makes no vectors of this size"
    return _CURES.get(failure.status, "check embedding.model, dimensions and secretKeyRef")
