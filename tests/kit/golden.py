"""`python -m tests.kit.golden` writes the manifests of two pipelines; a test holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ragwright_core.names import Identity
from ragwright_core.orders import BuildOrder, BuildSpec
from ragwright_core.spec import RagPipelineSpec
from ragwright_operator.desired.children import children
from ragwright_operator.desired.job import Ordered, build_job, cleanup_job
from ragwright_operator.desired.notes import BuildNote
from ragwright_operator.desired.postgres import postgres_secret
from ragwright_operator.desired.redis import redis_secret
from ragwright_operator.desired.target import BuildStep, Target
from ragwright_operator.settings import Images

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FOLDER = Path(__file__).parents[1] / "unit" / "golden"
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
        "secretKeyRef": {"name": "models", "key": "token"},
    },
    "llm": {
        "provider": "openai",
        "model": "l",
        "baseUrl": "https://models.example/v1",
        "secretKeyRef": {"name": "models", "key": "other"},
    },
    "database": {"secretKeyRef": {"name": "cnpg-app"}},
    "cache": {"secretKeyRef": {"name": "redis", "key": "address"}},
    "api": {"replicas": 1},
    "deletionPolicy": "Delete",
}


def target(spec: dict[str, Any] | None = None) -> Target:
    written = RagPipelineSpec.model_validate(spec or SMALLEST)
    return Target(IDENTITY, written, IMAGES, volume_uid="uid-of-volume")


def build(made: Target, step: BuildStep, attempt: int = 1) -> Ordered:
    request, why = "0123456789abcdef" * 4, "first build"
    order = BuildOrder(
        pipeline=made.identity,
        request=request,
        why=why,
        spec=BuildSpec.of(made.spec),
        index_memory_bytes=made.index_memory_bytes,
    )
    secret = made.spec.embedding.secret_key_ref
    note = BuildNote(request=request, attempt=attempt, why=why, at=AT, secret_key=secret)
    return build_job(made, order, note, step)


def manifests(made: Target) -> list[dict[str, Any]]:
    return [
        *children(made),
        *build(made, "load"),
        *build(made, "index"),
        *cleanup_job(made),
        redis_secret(made, "canary-7f3a"),
        postgres_secret(made, "canary-7f3a"),
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
