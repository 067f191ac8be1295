"""Orders for Jobs. An order is mounted as a file and holds only what its Job reads."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from ragwright_core.model import Wire
from ragwright_core.names import Identity
from ragwright_core.network import AS_IT_IS, Outside
from ragwright_core.spec import (
    Chunking,
    Embedding,
    Gates,
    RagPipelineSpec,
    Retrieval,
    Source,
)


class Keeping(Wire):
    """What is done with a version that is built, and with earlier versions."""

    keep: int = 1
    pin: int | None = None
    approval: Literal["Automatic", "Manual"] = "Automatic"
    gates: Gates = Gates()


class Indexing(Wire):
    index_workers: int = 0


class Caching(Wire):
    embedding_ttl_seconds: int = 2_592_000


class SwapSpec(Wire):
    """The part of a spec that a swap reads."""

    retrieval: Retrieval = Retrieval()
    reindex: Keeping = Keeping()
    ingest: Indexing = Indexing()

    @classmethod
    def of(cls, spec: RagPipelineSpec) -> Self:
        return cls.model_validate(spec, from_attributes=True)


class BuildSpec(SwapSpec):
    """The part of a spec that a build reads."""

    sources: list[Source]
    chunking: Chunking = Chunking()
    embedding: Embedding = Embedding()
    cache: Caching = Caching()

    @classmethod
    def of(cls, spec: RagPipelineSpec) -> Self:
        """Without what only the API reads of a source."""
        whole = super().of(spec)
        sources = [source.model_copy(update={"webhook": None}) for source in whole.sources]
        return whole.model_copy(update={"sources": sources})


class BuildOrder(Wire):
    """One build request with a copy of the spec, so that a Job never sees a later change of it.
    `why` is stored with the version. `poll`: if the documents are those of the live version, the
    model is not asked either. `allowed_hosts` are those that sources and endpoints may have;
    all if none are named."""

    kind: Literal["build"] = "build"
    pipeline: Identity
    request: str
    why: str = ""
    poll: bool = False
    spec: BuildSpec
    index_memory_bytes: int
    allowed_hosts: list[str] = Field(default=[])
    outside: Outside = AS_IT_IS


class SwapOrder(Wire):
    """A swap to a version that exists already: a rollback, an approval, or a repair.

    If `number` is None, the Job only drops versions that are no longer kept. `override` names
    gates whose failure a person has accepted; the version may have failed these gates, but no
    others. `term` is the live term that the swap was planned on: after another swap it changes
    nothing. None, where no version is live or an earlier release planned it, stands for the term
    at which the Job begins.
    """

    kind: Literal["swap"] = "swap"
    pipeline: Identity
    number: int | None
    override: list[str] = Field(default=[])
    term: int | None = None
    spec: SwapSpec
    index_memory_bytes: int
    allowed_hosts: list[str] = Field(default=[])
    outside: Outside = AS_IT_IS


class CleanupOrder(Wire):
    """Drop the pipeline's schema and its keys in Redis."""

    kind: Literal["cleanup"] = "cleanup"
    pipeline: Identity
    outside: Outside = AS_IT_IS


Order = BuildOrder | SwapOrder | CleanupOrder


def allowed_hosts(order: Order) -> list[str]:
    """Those that the administrator allows; a clean-up contacts none but its stores."""
    return [] if isinstance(order, CleanupOrder) else order.allowed_hosts
