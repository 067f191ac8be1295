"""The RagPipeline resource. `make generate` writes the CRD and its reference page from here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from ragwright_core.model import Model, fingerprint

GROUP = "ragwright.dev"
VERSION = "v1alpha1"
KIND = "RagPipeline"
PLURAL = "ragpipelines"

REINDEX_ANNOTATION = f"{GROUP}/reindex"
ADOPT_ANNOTATION = f"{GROUP}/adopt"

Quantity = Annotated[
    str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", max_length=20)
]
ObjectName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
SecretKeyName = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
Glob = Annotated[str, Field(min_length=1, max_length=200)]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=500)]


def rule(expression: str, message: str) -> dict[str, str]:
    """A CEL rule with a message that says what to write instead."""
    return {"rule": expression, "message": message}


def rules(*items: dict[str, str]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [{**item} for item in items]})


class SecretKey(Model):
    """One key of a Secret of the pipeline's namespace; mounted, never read by the operator."""

    name: ObjectName
    key: SecretKeyName


class DatabaseSecret(Model):
    name: ObjectName
    key: SecretKeyName = Field("uri", description="Key that holds a postgresql:// URI.")


class CacheSecret(Model):
    name: ObjectName
    key: SecretKeyName = Field("url", description="Key that holds a redis:// or rediss:// URL.")


class GitSecret(Model):
    """A Secret with the keys `username` and `password` (a token serves as password)."""

    name: ObjectName


class Git(Model):
    url: HttpUrl = Field(description="http(s) URL without credentials; those go into secretRef.")
    ref: str = Field("HEAD", min_length=1, max_length=200, description="Branch, tag or commit.")
    path: str = Field("", max_length=500, description="Only documents below this folder.")
    secret_ref: GitSecret | None = None


class ConfigMapSource(Model):
    name: ObjectName


class Source(Model):
    model_config = rules(
        rule(
            "has(self.git) != has(self.configMap)",
            "a source is either git or configMap: write exactly one of them",
        )
    )

    name: str = Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=40)
    git: Git | None = None
    config_map: ConfigMapSource | None = None
    include: list[Glob] = Field(
        default=["**/*.md", "**/*.rst", "**/*.txt"],
        min_length=1,
        max_length=50,
        description="Globs, relative to the source's path; `**` crosses folders.",
    )
    exclude: list[Glob] = Field(default=[], max_length=50)


class Chunking(Model):
    model_config = rules(
        rule(
            "self.overlapCharacters * 2 <= self.maxCharacters",
            "overlapCharacters must be at most half of maxCharacters",
        )
    )

    max_characters: int = Field(1000, ge=100, le=8000, description="Longest chunk, in characters.")
    overlap_characters: int = Field(0, ge=0, le=4000)


class Embedding(Model):
    model_config = rules(
        rule(
            "self.provider != 'openai' || (has(self.baseUrl) && has(self.dimensions) && "
            "self.model != 'wordllama')",
            "embedding.provider openai needs baseUrl, model and dimensions",
        ),
        rule(
            "self.provider != 'embedded' || (self.model == 'wordllama' && !has(self.baseUrl))",
            "embedding.provider embedded knows the model wordllama and takes no baseUrl; "
            "for an endpoint write provider: openai",
        ),
        rule(
            "self.provider != 'embedded' || !has(self.dimensions) || "
            "self.dimensions in [64, 128, 256]",
            "the model wordllama has 64, 128 or 256 dimensions",
        ),
    )

    provider: Literal["embedded", "openai"] = Field(
        "embedded", description="`openai` is any endpoint that speaks its embeddings protocol."
    )
    model: str = Field("wordllama", min_length=1, max_length=200)
    dimensions: int | None = Field(None, ge=1, le=4000, description="Default: the model's own.")
    base_url: HttpUrl | None = None
    secret_ref: SecretKey | None = Field(None, description="Holds the endpoint's API key.")
    document_prefix: str = Field("", max_length=200)
    query_prefix: str = Field("", max_length=200)


class Llm(Model):
    model_config = rules(
        rule(
            "self.provider != 'openai' || (has(self.baseUrl) && has(self.model))",
            "llm.provider openai needs baseUrl and model",
        )
    )

    provider: Literal["extractive", "openai"] = Field(
        "extractive", description="`extractive` quotes the best sentences and needs no network."
    )
    model: str | None = Field(None, min_length=1, max_length=200)
    base_url: HttpUrl | None = None
    secret_ref: SecretKey | None = Field(None, description="Holds the endpoint's API key.")
    max_tokens: int = Field(512, ge=1, le=32000)


class Retrieval(Model):
    top_k: int = Field(5, ge=1, le=50, description="Chunks that an answer is made from.")


class Requirements(Model):
    cpu: Quantity
    memory: Quantity


class Resources(Model):
    requests: Requirements
    limits: Requirements


def resources(cpu: str, memory: str, cpu_limit: str, memory_limit: str) -> Resources:
    return Resources(
        requests=Requirements(cpu=cpu, memory=memory),
        limits=Requirements(cpu=cpu_limit, memory=memory_limit),
    )


class ManagedPostgres(Model):
    """One Postgres with pgvector: for trying out and for small sites. It has no standby."""

    storage: Quantity = Field("10Gi", description="Size of its volume; cannot shrink.")
    storage_class_name: ObjectName | None = None
    resources: Resources = resources("250m", "512Mi", "1", "1Gi")


class Database(Model):
    model_config = rules(
        rule(
            "!(has(self.managed) && has(self.secretRef))",
            "write database.managed or database.secretRef, not both",
        )
    )

    managed: ManagedPostgres | None = Field(None, description="The default when nothing is named.")
    secret_ref: DatabaseSecret | None = None
    index_memory: Quantity | None = Field(
        None, description="Memory for index builds; default: a quarter of the managed server's."
    )


class ManagedRedis(Model):
    max_memory: Quantity = Field("256Mi", description="Answers are evicted before embeddings.")


class Cache(Model):
    model_config = rules(
        rule(
            "!(has(self.managed) && has(self.secretRef))",
            "write cache.managed or cache.secretRef, not both",
        )
    )

    managed: ManagedRedis | None = Field(None, description="The default when nothing is named.")
    secret_ref: CacheSecret | None = None
    answer_ttl_seconds: int = Field(14_400, ge=1, le=2_592_000)
    embedding_ttl_seconds: int = Field(2_592_000, ge=1, le=31_536_000)


class Api(Model):
    replicas: int = Field(3, ge=0, le=100)
    resources: Resources = resources("500m", "512Mi", "1", "1Gi")


class Gates(Model):
    max_shrink: int = Field(20, ge=0, le=100, description="Percent of chunks that may be lost.")
    max_failed_documents: int = Field(1, ge=0, le=100, description="Percent of documents.")


class Reindex(Model):
    keep: int = Field(1, ge=0, le=10, description="Versions kept beside the live one.")
    gates: Gates = Gates()


class Ingest(Model):
    parallelism: int = Field(2, ge=1, le=50, description="Pods that load documents.")
    index_workers: int = Field(
        0,
        ge=0,
        le=16,
        description="Further processes that the server may use for an index build. More than 0 is "
        "faster, and felt by those who search meanwhile.",
    )
    resources: Resources = resources("250m", "512Mi", "1", "1Gi")


class RagPipelineSpec(Model):
    """What a user writes. One source is enough."""

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
        }
    )
