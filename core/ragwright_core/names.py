"""Names of everything that Ragwright makes, derived in one place and never from free text."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from ragwright_core.spec import GROUP

FIELD_MANAGER = "ragwright"
FINALIZER = f"{GROUP}/operator"
PIPELINE_LABEL = f"{GROUP}/pipeline"
REQUEST_LABEL = f"{GROUP}/request"

API_PORT = 8000
INTERNAL_PORT = 8001

# Where pods find what the operator mounts for them.
DATABASE_URL_FILE = PurePosixPath("/etc/ragwright/database/uri")
CACHE_URL_FILE = PurePosixPath("/etc/ragwright/cache/url")
SETTINGS_FILE = PurePosixPath("/etc/ragwright/settings/settings.json")
SECRETS_FOLDER = PurePosixPath("/etc/ragwright/secrets")
SOURCES_FOLDER = PurePosixPath("/etc/ragwright/sources")

# Environment variables that the operator sets on pods.
BUILD_ENV = "RAGWRIGHT_BUILD"
DATABASE_URL_FILE_ENV = "VECTOR_DB_URL_FILE"
CACHE_URL_FILE_ENV = "REDIS_URL_FILE"

_MAX_IDENTIFIER = 63


@dataclass(frozen=True)
class PipelineName:
    """Namespace and name of a pipeline, and every name that follows from them."""

    namespace: str
    name: str

    @property
    def api(self) -> str:
        return f"{self.name}-api"

    @property
    def internal(self) -> str:
        return f"{self.name}-internal"

    @property
    def postgres(self) -> str:
        return f"{self.name}-postgres"

    @property
    def redis(self) -> str:
        return f"{self.name}-redis"

    @property
    def url(self) -> str:
        return f"http://{self.api}.{self.namespace}.svc:{API_PORT}"

    @property
    def internal_url(self) -> str:
        return f"http://{self.internal}.{self.namespace}.svc:{INTERNAL_PORT}"

    @property
    def schema(self) -> str:
        return schema_name(self.namespace, self.name)

    @property
    def cleanup_job(self) -> str:
        return f"{self.name}-cleanup"

    def job(self, request: str, step: str, attempt: int) -> str:
        """Name of a Job; `request` is the full hash of what was asked for."""
        return f"{self.name}-{request[:10]}-{step}-{attempt}"


def schema_name(namespace: str, name: str) -> str:
    """The pipeline's database schema, at most 63 bytes, distinct for distinct pipelines."""
    readable = re.sub(r"[^a-z0-9]", "_", f"rag_{namespace}_{name}")
    # '-' and '.' become '_', and so does the separator: only the hash keeps names apart.
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:8]
    return f"{readable[: _MAX_IDENTIFIER - 9]}_{digest}"


def documents_table(number: int) -> str:
    return f"documents_v{number}"


def chunks_table(number: int) -> str:
    return f"chunks_v{number}"


def lexemes_table(number: int) -> str:
    return f"lexemes_v{number}"
