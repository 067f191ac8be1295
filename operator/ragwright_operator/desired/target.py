"""What every manifest is made from: one pipeline, and the operator's images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ragwright_core.handover import Identity
from ragwright_core.names import PIPELINE_LABEL, PipelineName
from ragwright_core.spec import (
    GROUP,
    KIND,
    VERSION,
    ManagedPostgres,
    ManagedRedis,
    RagPipelineSpec,
    SecretKey,
)
from ragwright_operator.desired.quantity import whole_bytes
from ragwright_operator.settings import Images

Manifest = dict[str, Any]

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "ragwright"
COMPONENT_LABEL = "app.kubernetes.io/component"
APP_LABEL = "app.kubernetes.io/name"
APP = "ragwright"

# Enough for a small index on a server whose size we cannot know.
EXTERNAL_INDEX_MEMORY = 256 * 2**20


@dataclass(frozen=True)
class Target:
    """A pipeline as its manifests need it; `postgres_restart` and `redis_restart` change when a
    server must start anew, `kept_secrets` are the endpoint Secrets of versions that may answer."""

    identity: Identity
    spec: RagPipelineSpec
    images: Images
    kept_secrets: tuple[SecretKey, ...] = ()
    postgres_restart: datetime | None = None
    redis_restart: datetime | None = None

    @property
    def names(self) -> PipelineName:
        return self.identity.names

    @property
    def managed_postgres(self) -> ManagedPostgres | None:
        """The managed server, which is the default when no Secret is named."""
        if self.spec.database.secret_ref:
            return None
        return self.spec.database.managed or ManagedPostgres()

    @property
    def managed_redis(self) -> ManagedRedis | None:
        if self.spec.cache.secret_ref:
            return None
        return self.spec.cache.managed or ManagedRedis()

    @property
    def index_memory_bytes(self) -> int:
        """Memory for an index build: as written, or a quarter of the managed server's."""
        if self.spec.database.index_memory:
            return whole_bytes(self.spec.database.index_memory)
        if self.managed_postgres is None:
            return EXTERNAL_INDEX_MEMORY
        return whole_bytes(self.managed_postgres.resources.limits.memory) // 4

    def embedding_keys(self) -> tuple[SecretKey, ...]:
        """Keys of the embedding endpoints of the spec and of every kept version."""
        return _distinct((self.spec.embedding.secret_ref, *self.kept_secrets))

    def secret_keys(self) -> tuple[SecretKey, ...]:
        """Keys that API pods mount: the read replicas' and the pooler's, and the model endpoints'
        of the spec and of every kept version."""
        database = self.spec.database
        ways = (database.read_only_key, database.pooled_key)
        return _distinct((*ways, self.spec.llm.secret_ref, *self.embedding_keys()))

    def labels(self, component: str) -> dict[str, str]:
        return {
            APP_LABEL: APP,
            COMPONENT_LABEL: component,
            MANAGED_BY_LABEL: MANAGED_BY,
            PIPELINE_LABEL: self.names.name,
        }

    def selector(self, component: str) -> dict[str, str]:
        return {COMPONENT_LABEL: component, PIPELINE_LABEL: self.names.name}

    def owner(self) -> Manifest:
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "name": self.names.name,
            "uid": self.identity.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }

    def metadata(self, name: str, component: str) -> Manifest:
        """Metadata of a child; the resource's own labels and annotations are never inherited."""
        return {
            "name": name,
            "namespace": self.names.namespace,
            "labels": self.labels(component),
            "ownerReferences": [self.owner()],
        }


def _distinct(keys: Iterable[SecretKey | None]) -> tuple[SecretKey, ...]:
    return tuple(sorted({key for key in keys if key}, key=lambda key: (key.name, key.key)))
