"""Names of everything that Ragwright makes, derived in one place and never from free text."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from ragwright_core.contract import API_PORT, INTERNAL_PORT
from ragwright_core.model import Wire
from ragwright_core.spec import GROUP

FIELD_MANAGER = "ragwright"
FINALIZER = f"{GROUP}/operator"
PIPELINE_LABEL = f"{GROUP}/pipeline"
REQUEST_LABEL = f"{GROUP}/request"

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
        """Name of a Job. `request` is the full hash of the build or swap request."""
        return f"{self.name}-{request[:10]}-{step}-{attempt}"


class Identity(Wire):
    """Which pipeline a program works for, and who owns its schema."""

    namespace: str
    name: str
    uid: str
    cluster: str
    adopt: str = ""

    @property
    def names(self) -> PipelineName:
        return PipelineName(self.namespace, self.name)


def schema_name(namespace: str, name: str) -> str:
    """The pipeline's database schema, at most 63 bytes, distinct for distinct pipelines."""
    readable = re.sub(r"[^a-z0-9]", "_", f"rag_{namespace}_{name}")
    # '-', '.' and the separator all become '_', so that only the hash keeps names distinct.
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:8]
    return f"{readable[: _MAX_IDENTIFIER - 9]}_{digest}"


def documents_table(number: int) -> str:
    return f"documents_v{number}"


def chunks_table(number: int) -> str:
    return f"chunks_v{number}"


def lexemes_table(number: int) -> str:
    return f"lexemes_v{number}"
