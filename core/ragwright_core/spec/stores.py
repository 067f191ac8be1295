"""The database and the cache, managed or external, and what pods may use."""

from __future__ import annotations

from pydantic import Field

from ragwright_core.model import Model
from ragwright_core.spec.fields import (
    ObjectName,
    Quantity,
    SecretKey,
    SecretKeyName,
    rule,
    rules,
)


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
        ),
        rule(
            "!has(self.readOnlySecretRef) || has(self.secretRef)",
            "database.readOnlySecretRef names replicas of your own server: write "
            "database.secretRef too",
        ),
        rule(
            "!has(self.pooledSecretRef) || has(self.secretRef)",
            "database.pooledSecretRef is a pooler before your own server: write "
            "database.secretRef too, for Jobs need a connection of their own",
        ),
    )

    managed: ManagedPostgres | None = Field(None, description="The default when nothing is named.")
    secret_ref: DatabaseSecret | None = None
    read_only_secret_ref: DatabaseSecret | None = Field(
        None,
        description="Read replicas that searches go to. What is live is still read from the "
        "primary, and a replica that lacks the live version is passed over.",
    )
    pooled_secret_ref: DatabaseSecret | None = Field(
        None,
        description="The same database by a pooler in transaction mode (PgBouncer): API pods "
        "go this way, Jobs by secretRef.",
    )
    index_memory: Quantity | None = Field(
        None, description="Memory for index builds; default: a quarter of the managed server's."
    )

    @property
    def read_only_key(self) -> SecretKey | None:
        return _key(self.read_only_secret_ref)

    @property
    def pooled_key(self) -> SecretKey | None:
        return _key(self.pooled_secret_ref)


def _key(secret: DatabaseSecret | None) -> SecretKey | None:
    return SecretKey(name=secret.name, key=secret.key) if secret else None


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
    stable: bool = Field(
        default=False, description="Documents seldom change: answers are kept 24 h, not 4 h."
    )
    answer_ttl_seconds: int | None = Field(
        None, ge=1, le=2_592_000, description="Default: 14400, or 86400 where `stable`."
    )
    embedding_ttl_seconds: int = Field(2_592_000, ge=1, le=31_536_000)
    in_process_mebibytes: int = Field(
        32, ge=0, le=4096, description="Answers that each API pod keeps in its own memory."
    )
    stale_if_error_seconds: int = Field(
        0,
        ge=0,
        le=86_400,
        description="How long answers of the last known version may be served, marked by a "
        "header, while the database is away.",
    )

    @property
    def answer_ttl(self) -> int:
        """Seconds that an answer is kept."""
        return self.answer_ttl_seconds or (86_400 if self.stable else 14_400)
