"""The RagPipeline resource. `make generate` writes the CRD and its reference page from here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ragwright_core.model import Model, fingerprint
from ragwright_core.spec.fields import rule, rules
from ragwright_core.spec.models import Embedding, Llm
from ragwright_core.spec.reindex import Ingest, Reindex
from ragwright_core.spec.sources import Chunking, Source
from ragwright_core.spec.stores import Cache, Database, Resources, resources

GROUP = "ragwright.dev"
VERSION = "v1alpha1"
KIND = "RagPipeline"
PLURAL = "ragpipelines"

REINDEX_ANNOTATION = f"{GROUP}/reindex"
ADOPT_ANNOTATION = f"{GROUP}/adopt"
# `7`, or `7 maxShrink` to override a gate that failed; more than one is parted by commas.
APPROVE_ANNOTATION = f"{GROUP}/approve"


# The text search configurations that every supported Postgres has.
Language = Literal[
    "simple", "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek",
    "hungarian", "indonesian", "irish", "italian", "lithuanian", "nepali", "norwegian",
    "portuguese", "romanian", "russian", "spanish", "swedish", "tamil", "turkish",
]  # fmt: skip


class Retrieval(Model):
    model_config = rules(
        rule(
            "self.denseWeight + self.lexicalWeight > 0",
            "denseWeight and lexicalWeight are both 0: nothing would be searched; write 1 for "
            "one of them",
        )
    )

    top_k: int = Field(5, ge=1, le=50, description="Chunks that an answer is made from.")
    dense_weight: int = Field(
        1, ge=0, le=100, description="What nearness of meaning counts, beside lexicalWeight."
    )
    lexical_weight: int = Field(
        2, ge=0, le=100, description="What shared words count; 0 searches by meaning alone."
    )
    language: Language = Field(
        "english",
        description="Of the documents, for their words' stems; `simple` stems nothing. A change "
        "builds a new index version.",
    )


class Api(Model):
    replicas: int = Field(3, ge=0, le=100)
    resources: Resources = resources("500m", "512Mi", "1", "1Gi")


class RagPipelineSpec(Model):
    """What a user writes. One source is enough."""

    model_config = rules(
        rule(
            "!has(self.chunking.maxTokens) || self.embedding.provider == 'embedded'",
            "chunking.maxTokens counts tokens of an embedded model; an endpoint's are not known "
            "here: write maxCharacters",
        ),
        rule(
            "!has(self.chunking.maxTokens) || self.chunking.maxTokens <= 254 || "
            "self.embedding.model != 'minilm'",
            "the model minilm reads 256 tokens, two of them its own: write at most 254 for "
            "chunking.maxTokens",
        ),
    )

    sources: list[Source] = Field(
        min_length=1,
        max_length=20,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    chunking: Chunking = Chunking()
    embedding: Embedding = Embedding()
    llm: Llm = Llm()
    retrieval: Retrieval = Retrieval()
    database: Database = Database()
    cache: Cache = Cache()
    api: Api = Api()
    reindex: Reindex = Reindex()
    ingest: Ingest = Ingest()
    deletion_policy: Literal["Retain", "Delete"] = Field(
        "Retain", description="What becomes of the index when the pipeline is deleted."
    )
    suspend: bool = Field(default=False, description="Start no builds; what runs goes on.")


def shape_fingerprint(spec: RagPipelineSpec) -> str:
    """Fingerprint of everything that shapes the index; credentials and serving do not."""
    no_secret: dict[str, Any] = {"git": {"secret_ref"}}
    return fingerprint(
        {
            "sources": [source.model_dump(exclude=no_secret) for source in spec.sources],
            "chunking": spec.chunking.model_dump(),
            "embedding": spec.embedding.model_dump(exclude={"secret_ref"}),
            "language": spec.retrieval.language,
        }
    )
