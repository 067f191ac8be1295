"""`python -m tests.golden` writes the manifests of two pipelines; a test holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ragwright_core.handover import BuildOrder, Identity
from ragwright_core.spec import RagPipelineSpec
from ragwright_operator.desired.children import children
from ragwright_operator.desired.job import build_job, cleanup_job
from ragwright_operator.desired.secret import postgres_secret, redis_secret
from ragwright_operator.desired.target import Target
from ragwright_operator.settings import Images

FOLDER = Path(__file__).parent / "unit" / "golden"
IMAGES = Images("ragwright:1", "postgres:1", "redis:1", "IfNotPresent")
IDENTITY = Identity(namespace="team", name="docs", uid="u-1", cluster="c-1")

SMALLEST: dict[str, Any] = {"sources": [{"name": "handbook", "configMap": {"name": "handbook"}}]}
EXTERNAL: dict[str, Any] = {
    "sources": [
        {"name": "code", "git": {"url": "https://git.example/x", "secretRef": {"name": "git"}}},
    ],
    "embedding": {
        "provider": "openai",
        "model": "m",
        "dimensions": 8,
        "baseUrl": "https://models.example/v1",
        "secretRef": {"name": "models", "key": "token"},
    },
    "llm": {
        "provider": "openai",
        "model": "l",
        "baseUrl": "https://models.example/v1",
        "secretRef": {"name": "models", "key": "other"},
    },
    "database": {"secretRef": {"name": "cnpg-app"}},
    "cache": {"secretRef": {"name": "redis", "key": "address"}},
    "api": {"replicas": 1},
    "deletionPolicy": "Delete",
}


def target(spec: dict[str, Any] | None = None) -> Target:
    return Target(IDENTITY, RagPipelineSpec.model_validate(spec or SMALLEST), IMAGES)


def order(made: Target) -> BuildOrder:
    return BuildOrder(
        pipeline=made.identity,
        request="0123456789abcdef" * 4,
        reason="first build",
        spec=made.spec,
        index_memory_bytes=made.index_memory_bytes,
    )


def manifests(made: Target) -> list[dict[str, Any]]:
    return [
        *children(made),
        build_job(made, order(made), "load", 1),
        build_job(made, order(made), "index", 1),
        cleanup_job(made),
        redis_secret(made, "canary-7f3a"),
        postgres_secret(made, "uid-of-volume", "canary-7f3a"),
    ]


def golden() -> dict[str, str]:
    """Each file's name and text."""
    return {
        f"{name}.yaml": yaml.safe_dump_all(manifests(target(spec)), sort_keys=False, width=100)
        for name, spec in (("smallest", SMALLEST), ("external", EXTERNAL))
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in golden().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
