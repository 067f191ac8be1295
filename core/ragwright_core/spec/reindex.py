"""When and how the index is rebuilt."""

from __future__ import annotations

from pydantic import Field

from ragwright_core.model import Model
from ragwright_core.spec.stores import Resources, resources


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
