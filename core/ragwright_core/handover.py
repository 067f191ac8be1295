"""What the operator hands to the programs it starts: to Jobs by environment, to the API by file."""

from __future__ import annotations

from pydantic import Field

from ragwright_core.model import Model
from ragwright_core.names import PipelineName
from ragwright_core.spec import Cache, Llm, Load, RagPipelineSpec, Retrieval, SecretKey


class Identity(Model):
    """Which pipeline a program works for, and who owns its schema."""

    namespace: str
    name: str
    uid: str
    cluster: str
    adopt: str = ""

    @property
    def names(self) -> PipelineName:
        return PipelineName(self.namespace, self.name)


class BuildOrder(Model):
    """One build request, pinned: a Job never sees a later change of the spec."""

    pipeline: Identity
    request: str
    reason: str
    spec: RagPipelineSpec
    index_memory_bytes: int


class SwapOrder(Model):
    """A swap to a version that is there already: a rollback, an approval, a repair.

    `number` None asks only to drop what is kept no longer. `override` names gates whose failure a
    person has accepted; the version may then be one that failed just those. `reason` and `why` are
    the operator's own words, found again on the Job after a crash.
    """

    pipeline: Identity
    request: str
    number: int | None
    override: list[str] = Field(default=[])
    attempt: int = 1
    reason: str = ""
    why: str = ""
    spec: RagPipelineSpec
    index_memory_bytes: int


class CleanupOrder(Model):
    """Drop the pipeline's schema and its keys in Redis."""

    pipeline: Identity


class ServeSettings(Model):
    """What the API needs beside the live version's descriptor, which it reads from the database."""

    pipeline: Identity
    llm: Llm
    retrieval: Retrieval
    cache: Cache
    load: Load = Load()
    read_only: SecretKey | None = None
    pooled: SecretKey | None = None

    @classmethod
    def of(cls, pipeline: Identity, spec: RagPipelineSpec) -> ServeSettings:
        return cls(
            pipeline=pipeline,
            llm=spec.llm,
            retrieval=spec.retrieval,
            cache=spec.cache,
            load=spec.api.load,
            read_only=spec.database.read_only_key,
            pooled=spec.database.pooled_key,
        )
