"""The RagPipeline resource. `make generate` writes the CRD and its reference page from here."""

from __future__ import annotations

from ragwright_core.spec.fields import SecretKey, rule
from ragwright_core.spec.fingerprints import (
    chunking_fingerprint,
    gates_fingerprint,
    shape_fingerprint,
    shape_parts,
    trigger_fingerprint,
)
from ragwright_core.spec.models import MINILM, WORDLLAMA, Embedding, Llm
from ragwright_core.spec.pipeline import (
    ADOPT_ANNOTATION,
    APPROVE_ANNOTATION,
    GROUP,
    KIND,
    MOVE_ANNOTATION,
    PLURAL,
    REINDEX_ANNOTATION,
    VERSION,
    Api,
    Autoscaling,
    Load,
    RagPipelineSpec,
)
from ragwright_core.spec.pods import Placement, PodTemplate
from ragwright_core.spec.reindex import Gates, GoldenQuestion, Ingest, Reindex
from ragwright_core.spec.renamed import RENAMED, Renamed
from ragwright_core.spec.retrieval import MAX_TOP_K, Retrieval
from ragwright_core.spec.sources import (
    MAX_SOURCES,
    Chunking,
    ConfigMapSource,
    Git,
    GitSecret,
    Source,
    SourceKind,
    Webhook,
)
from ragwright_core.spec.stores import (
    Cache,
    CacheSecret,
    Database,
    DatabaseSecret,
    ManagedPostgres,
    ManagedRedis,
    Requirements,
    Resources,
)

__all__ = [
    "ADOPT_ANNOTATION",
    "APPROVE_ANNOTATION",
    "GROUP",
    "KIND",
    "MAX_SOURCES",
    "MAX_TOP_K",
    "MINILM",
    "MOVE_ANNOTATION",
    "PLURAL",
    "REINDEX_ANNOTATION",
    "RENAMED",
    "VERSION",
    "WORDLLAMA",
    "Api",
    "Autoscaling",
    "Cache",
    "CacheSecret",
    "Chunking",
    "ConfigMapSource",
    "Database",
    "DatabaseSecret",
    "Embedding",
    "Gates",
    "Git",
    "GitSecret",
    "GoldenQuestion",
    "Ingest",
    "Llm",
    "Load",
    "ManagedPostgres",
    "ManagedRedis",
    "Placement",
    "PodTemplate",
    "RagPipelineSpec",
    "Reindex",
    "Renamed",
    "Requirements",
    "Resources",
    "Retrieval",
    "SecretKey",
    "Source",
    "SourceKind",
    "Webhook",
    "chunking_fingerprint",
    "gates_fingerprint",
    "rule",
    "shape_fingerprint",
    "shape_parts",
    "trigger_fingerprint",
]
