"""The database and the cache, managed or external, and what pods may use."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ragwright_core.model import Model
from ragwright_core.spec.fields import Image, ObjectName, SecretKey, SecretKeyName, rule, rules
from ragwright_core.spec.quantity import Quantity, amount, whole_bytes

# The memory that a managed Postgres is assumed to have if neither limits nor requests name it.
ASSUMED_MEMORY = "1Gi"


class DatabaseSecret(Model):
    name: ObjectName
    key: SecretKeyName = Field("uri", description="Key that holds a postgresql:// URI.")


class CacheSecret(Model):
    name: ObjectName
    key: SecretKeyName = Field("url", description="Key that holds a redis:// or rediss:// URL.")


class Requirements(Model):
    cpu: Quantity | None = Field(None, description="Cores: `500m`, `1` or `1.5` in quotes.")
    memory: Quantity | None = Field(None, description="Bytes: `512Mi` or `1Gi`.")


def _too_much(resource: str) -> str:
    return f"requests.{resource} is more than limits.{resource}: no pod may be made so"


def _at_most_its_limit(resource: str) -> dict[str, str]:
    asked, most = f"self.requests.{resource}", f"self.limits.{resource}"
    there = f"has(self.requests) && has(self.limits) && has({asked}) && has({most})"
    sound = f"isQuantity(string({asked})) && isQuantity(string({most}))"
    compared = f"quantity(string({asked})).compareTo(quantity(string({most}))) <= 0"
    return rule(f"!({there} && {sound}) || {compared}", _too_much(resource))


class Resources(Model):
    """What is written stands alone: of a group with `limits` only, nothing else is set."""

    model_config = rules(_at_most_its_limit("cpu"), _at_most_its_limit("memory"))

    requests: Requirements | None = None
    limits: Requirements | None = None

    @model_validator(mode="after")
    def _fit(self) -> Self:
        """Also for what was applied before the API server knew the rule."""
        for resource in ("cpu", "memory"):
            asked, most = (
                getattr(self.requests, resource, None),
                getattr(self.limits, resource, None),
            )
            if asked is not None and most is not None and amount(asked) > amount(most):
                raise ValueError(_too_much(resource))
        return self


def resources(cpu: str, memory: str, cpu_limit: str, memory_limit: str) -> Resources:
    return Resources(
        requests=Requirements(cpu=cpu, memory=memory),
        limits=Requirements(cpu=cpu_limit, memory=memory_limit),
    )


class ManagedPostgres(Model):
    """One Postgres with pgvector: for trying out and for small sites. It has no standby."""

    storage: Quantity = Field("10Gi", description="Size of its volume; cannot shrink.")
    storage_class_name: ObjectName | None = None
    image: Image | None = Field(
        None,
        description="With pgvector. Default: the operator's, as it was when this server got ready "
        "first: a new default is for new pipelines.",
    )
    resources: Resources = resources("250m", "512Mi", "1", "1Gi")

    @property
    def memory_bytes(self) -> int:
        """The memory for which the server's settings are made: the limit, else the request."""
        limits, requests = self.resources.limits, self.resources.requests
        memory = (limits and limits.memory) or (requests and requests.memory) or ASSUMED_MEMORY
        return whole_bytes(memory)


class Database(Model):
    model_config = rules(
        rule(
            "!(has(self.managed) && has(self.secretKeyRef))",
            "write database.managed or database.secretKeyRef, not both",
        ),
        rule(
            "!has(self.readOnlySecretKeyRef) || has(self.secretKeyRef)",
            "database.readOnlySecretKeyRef names replicas of your own server: write "
            "database.secretKeyRef too",
        ),
        rule(
            "!has(self.pooledSecretKeyRef) || has(self.secretKeyRef)",
            "database.pooledSecretKeyRef is a pooler before your own server: write "
            "database.secretKeyRef too, for Jobs need a connection of their own",
        ),
    )

    managed: ManagedPostgres | None = Field(None, description="The default when nothing is named.")
    secret_key_ref: DatabaseSecret | None = None
    read_only_secret_key_ref: DatabaseSecret | None = Field(
        None,
        description="Read replicas that searches go to. What is live is still read from the "
        "primary, and a replica that lacks the live version is passed over.",
    )
    pooled_secret_key_ref: DatabaseSecret | None = Field(
        None,
        description="The same database by a pooler in transaction mode (PgBouncer): API pods "
        "go this way, Jobs by secretKeyRef.",
    )
    index_memory: Quantity | None = Field(
        None,
        description="Memory for index builds. Default: a quarter of the managed server's, which is "
        "its limit, or its request, or 1Gi where neither is written; else 256Mi.",
    )

    @property
    def read_only_key(self) -> SecretKey | None:
        return _key(self.read_only_secret_key_ref)

    @property
    def pooled_key(self) -> SecretKey | None:
        return _key(self.pooled_secret_key_ref)


def _key(secret: DatabaseSecret | None) -> SecretKey | None:
    return SecretKey(name=secret.name, key=secret.key) if secret else None


class ManagedRedis(Model):
    max_memory: Quantity = Field("256Mi", description="Answers are evicted before embeddings.")
    image: Image | None = Field(
        None, description="Default: the operator's, as it was when this server got ready first."
    )
    resources: Resources | None = Field(
        None,
        description="Default: requests of 50m and 64Mi, and a memory limit of maxMemory, a quarter "
        "of it and 64Mi.",
    )


class Cache(Model):
    model_config = rules(
        rule(
            "!(has(self.managed) && has(self.secretKeyRef))",
            "write cache.managed or cache.secretKeyRef, not both",
        )
    )

    managed: ManagedRedis | None = Field(None, description="The default when nothing is named.")
    secret_key_ref: CacheSecret | None = None
    token_secret_key_ref: SecretKey | None = Field(
        None,
        description="Holds a token: who shows it (`Authorization: Bearer`) may call "
        "invalidate-cache at any time, others once a minute.",
    )
    stable: bool = Field(
        default=False, description="Documents seldom change: answers are kept 24 h, not 4 h."
    )
    answer_ttl_seconds: int | None = Field(
        None, ge=1, le=2_592_000, description="Default: 14400, or 86400 where `stable`."
    )
    embedding_ttl_seconds: int = Field(2_592_000, ge=1, le=31_536_000)
    in_process_memory: Quantity = Field(
        "32Mi", description="Answers that each API pod keeps in its own memory."
    )
    stale_if_error_seconds: int = Field(
        0,
        ge=0,
        le=86_400,
        description="How long answers of the last known version may be served, marked by a "
        "header, while the database is away.",
    )

    @property
    def in_process_bytes(self) -> int:
        return whole_bytes(self.in_process_memory)

    @property
    def answer_ttl(self) -> int:
        """Seconds that an answer is kept."""
        return self.answer_ttl_seconds or (86_400 if self.stable else 14_400)
