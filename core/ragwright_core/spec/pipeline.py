"""The RagPipeline resource. `make generate` writes the CRD and its reference page from here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ragwright_core.model import Model
from ragwright_core.spec.fields import HttpUrl, SecretKey, rule, rules
from ragwright_core.spec.models import Embedding, Llm
from ragwright_core.spec.pods import PodTemplate
from ragwright_core.spec.reindex import Ingest, Reindex
from ragwright_core.spec.retrieval import Retrieval
from ragwright_core.spec.sources import MAX_SOURCES, Chunking, Source
from ragwright_core.spec.stores import Cache, Database, Resources, resources

GROUP = "ragwright.dev"
VERSION = "v1alpha1"
KIND = "RagPipeline"
PLURAL = "ragpipelines"

REINDEX_ANNOTATION = f"{GROUP}/reindex"
ADOPT_ANNOTATION = f"{GROUP}/adopt"
# The database to move to: its Secret and key as `name/key`, the Secret if the key is `uri`, or
# `managed`.
MOVE_ANNOTATION = f"{GROUP}/move-database"
# `7`, or `7 maxShrink` to override a gate that failed; several gates are separated by commas.
APPROVE_ANNOTATION = f"{GROUP}/approve"


class Load(Model):
    """Bounds of each API pod, so that questions never pile up; what comes from a cache is free."""

    in_flight: int = Field(16, ge=1, le=1000, description="Questions that it answers at once.")
    queue: int = Field(
        64, ge=0, le=10_000, description="Questions that wait for that; others are told 429."
    )


class Autoscaling(Model):
    """The API's replicas follow their use of CPU. Needs metrics-server in the cluster."""

    model_config = rules(
        rule(
            "self.minReplicas <= self.maxReplicas",
            "api.autoscaling.minReplicas is more than maxReplicas: write at most as many",
        )
    )

    min_replicas: int = Field(1, ge=1, le=100)
    max_replicas: int = Field(ge=1, le=100)
    target_cpu_percent: int = Field(
        70,
        ge=1,
        le=1000,
        alias="targetCPUPercent",
        description="Of the CPU that a replica requests, on average.",
    )
    scale_down_seconds: int = Field(
        300, ge=0, le=3600, description="How long fewer replicas must do before some are ended."
    )


class Api(Model):
    model_config = rules(
        rule(
            "!has(self.autoscaling) || !has(self.resources) || "
            "(has(self.resources.requests) && has(self.resources.requests.cpu)) || "
            "(has(self.resources.limits) && has(self.resources.limits.cpu))",
            "api.autoscaling counts in percent of the CPU that a replica requests: write "
            "api.resources.requests.cpu",
        )
    )

    replicas: int = Field(3, ge=0, le=100, description="Not read while there is `autoscaling`.")
    autoscaling: Autoscaling | None = None
    external_url: HttpUrl | None = Field(
        None,
        alias="externalURL",
        description="Where callers outside the cluster reach the API, through an Ingress or a "
        "route of yours. It is only shown.",
    )
    load: Load = Load()
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
        max_length=MAX_SOURCES,
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
    pod_template: PodTemplate | None = None
    deletion_policy: Literal["Retain", "Delete"] = Field(
        "Retain", description="What becomes of the index when the pipeline is deleted."
    )
    suspend: bool = Field(
        default=False,
        description="Begin no build, and no further attempt of one that failed. A build that runs "
        "goes on to its swap; pins and approvals are carried out, and questions answered.",
    )

    @property
    def config_maps(self) -> list[str]:
        """The ConfigMaps that hold documents."""
        return sorted({name for source in self.sources for name in source.config_maps()})

    @property
    def is_polled(self) -> bool:
        """Whether a source can change without an event in the cluster."""
        return any(not source.config_maps() for source in self.sources)

    @property
    def webhooks(self) -> dict[str, SecretKey]:
        """The Secret of each source that has a webhook, by the source's name."""
        found = [(source.name, source.webhook) for source in self.sources]
        return {name: webhook.secret_key_ref for name, webhook in found if webhook}
