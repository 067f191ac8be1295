"""The input of every manifest: one pipeline, and the operator's images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any, Literal

from ragwright_core.model import fingerprint
from ragwright_core.names import PIPELINE_LABEL, Identity, PipelineName
from ragwright_core.network import AS_IT_IS, Outside
from ragwright_core.spec import (
    GROUP,
    KIND,
    VERSION,
    ManagedPostgres,
    ManagedRedis,
    RagPipelineSpec,
    SecretKey,
)
from ragwright_core.spec.quantity import whole_bytes
from ragwright_operator.settings import NO_DEFAULTS, Images, PodDefaults

Manifest = dict[str, Any]

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "ragwright"
COMPONENT_LABEL = "app.kubernetes.io/component"
APP_LABEL = "app.kubernetes.io/name"
APP = "ragwright"
PART_OF_LABEL = "app.kubernetes.io/part-of"
VERSION_LABEL = "app.kubernetes.io/version"
# The release that wrote an object last. A label takes no `+`, which a local build has.
RELEASE = version("ragwright").replace("+", "_")

BuildStep = Literal["load", "index"]
BUILD_STEPS: tuple[BuildStep, ...] = ("load", "index")
# Components that write the index; the clean-up comes after all of them.
JOB_COMPONENTS = (*BUILD_STEPS, "swap")
ORDER_COMPONENTS = (*JOB_COMPONENTS, "cleanup")
# Components that talk to the managed servers.
CLIENTS = ("api", *ORDER_COMPONENTS)

# Enough for a small index on a server whose size we cannot know.
EXTERNAL_INDEX_MEMORY = 256 * 2**20


@dataclass(frozen=True)
class Target:
    """A pipeline as its manifests need it. `postgres_restart` and `redis_restart` change when a
    server must restart. `kept_secrets` are the endpoint Secrets of versions that may answer;
    `allowed_hosts` are what its pods may contact, or empty, and `outside` how; `pods` is what
    the administrator sets for every pod; `volume_uid` is that
    of the managed database's volume claim, empty until it exists; `early_secrets` are Secrets that
    our servers mount by their names of earlier releases."""

    identity: Identity
    spec: RagPipelineSpec
    images: Images
    allowed_hosts: tuple[str, ...] = ()
    outside: Outside = AS_IT_IS
    pods: PodDefaults = NO_DEFAULTS
    kept_secrets: tuple[SecretKey, ...] = ()
    postgres_restart: datetime | None = None
    redis_restart: datetime | None = None
    volume_uid: str = ""
    early_secrets: frozenset[str] = frozenset()

    @property
    def names(self) -> PipelineName:
        return self.identity.names

    @property
    def url(self) -> str:
        """Where questions are asked, as its users say it, else within the cluster."""
        return self.spec.api.external_url or self.names.url

    @property
    def managed_postgres(self) -> ManagedPostgres | None:
        """The managed server, which is the default when no Secret is named."""
        if self.spec.database.secret_key_ref:
            return None
        return self.spec.database.managed or ManagedPostgres()

    @property
    def managed_redis(self) -> ManagedRedis | None:
        if self.spec.cache.secret_key_ref:
            return None
        return self.spec.cache.managed or ManagedRedis()

    @property
    def redis_secret(self) -> str:
        return self._secret(self.names.redis, self.identity.uid)

    @property
    def postgres_secret(self) -> str:
        """The password lives as long as the volume, also if the next pipeline of this name takes
        the volume over."""
        return self._secret(self.names.postgres, self.volume_uid)

    def _secret(self, server: str, uid: str) -> str:
        """A name that nobody else picks: the operator may not look whose a Secret is, and would
        take a stranger's for its own."""
        return server if server in self.early_secrets else f"{server}-{fingerprint(uid)[:8]}"

    @property
    def index_memory_bytes(self) -> int:
        """Memory for an index build: as written, or a quarter of the managed server's."""
        if self.spec.database.index_memory:
            return whole_bytes(self.spec.database.index_memory)
        if self.managed_postgres is None:
            return EXTERNAL_INDEX_MEMORY
        return self.managed_postgres.memory_bytes // 4

    def embedding_keys(self) -> tuple[SecretKey, ...]:
        """Keys of the embedding endpoints of the spec and of every kept version."""
        return _distinct((self.spec.embedding.secret_key_ref, *self.kept_secrets))

    def secret_keys(self) -> tuple[SecretKey, ...]:
        """Keys that API pods mount: the read replicas' and the pooler's, the token's and the
        webhooks', and the model endpoints' of the spec and of every kept version."""
        database, token = self.spec.database, self.spec.cache.token_secret_key_ref
        callers = (token, *self.spec.webhooks.values())
        ways = (database.read_only_key, database.pooled_key, *callers)
        return _distinct((*ways, self.spec.llm.secret_key_ref, *self.embedding_keys()))

    def labels(self, component: str) -> dict[str, str]:
        """Labels of pods, too: nothing stands here that changes with a release, or each would
        restart them all."""
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
            "labels": {**self.labels(component), PART_OF_LABEL: APP, VERSION_LABEL: RELEASE},
            "ownerReferences": [self.owner()],
        }


def _distinct(keys: Iterable[SecretKey | None]) -> tuple[SecretKey, ...]:
    return tuple(sorted({key for key in keys if key}, key=lambda key: (key.name, key.key)))
