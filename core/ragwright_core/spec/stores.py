"""The database and the cache, managed or external, and what pods may use."""

from __future__ import annotations

from pydantic import Field

from ragwright_core.model import Model
from ragwright_core.spec.fields import ObjectName, Quantity, SecretKeyName, rule, rules


class DatabaseSecret(Model):
    name: ObjectName
    key: SecretKeyName = Field("uri", description="Key that holds a postgresql:// URI.")


class CacheSecret(Model):
    name: ObjectName
    key: SecretKeyName = Field("url", description="Key that holds a redis:// or rediss:// URL.")


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
