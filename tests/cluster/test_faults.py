"""Parts that die while a pipeline works."""

from __future__ import annotations

import pytest

from dev.install import NAMESPACE as SYSTEM
from dev.kubectl import until
from ragwright_core.names import PIPELINE_LABEL, PipelineName
from tests.kit.cluster import RULES, Namespace, pipeline

pytestmark = pytest.mark.faults

_NOW = ("--grace-period=0", "--force", "--wait=false")


def test_operator_killed_again_and_again_finishes_with_no_job_twice(namespace: Namespace) -> None:
    kubectl = namespace.kubectl
    operator = ("-n", SYSTEM, "-l", "app.kubernetes.io/component=operator")
    seen: set[str] = set()
    kills = 0
    namespace.write_rules(RULES)
    namespace.apply(pipeline("rules"))

    def killed_until_live() -> bool:
        nonlocal kills
        jobs = namespace("get", "jobs", "-l", PIPELINE_LABEL, "-o", "name").split()
        if new := set(jobs) - seen:
            seen.update(new)
            # Right after it made a Job, before it could note that it did.
            kubectl("delete", "pod", *operator, *_NOW)
            kills += 1
        return namespace.state("rules").live == 1

    until(killed_until_live, 180, "version 1", pause=0.1)
    namespace.until_live("rules", 1)
    steps = sorted(name.rsplit("-", 2)[1] for name in seen)
    assert steps == ["index", "load"], seen
    assert kills == 2
    assert "thirty days" in namespace.ask("rules", "What is the refund policy?")


def test_stores_that_go_away_come_back_by_themselves(namespace: Namespace) -> None:
    namespace.write_rules(RULES)
    namespace.apply(pipeline("rules"))
    namespace.until_live("rules", 1)
    names = PipelineName(namespace.name, "rules")
    question = {"question": "What is the refund policy?"}

    with namespace.api("rules") as api:
        namespace("delete", "pod", "-l", "app.kubernetes.io/component=redis", *_NOW)
        replies = [api.post("/api/rag/query", json=question).status_code for _ in range(50)]
        assert set(replies) == {200}

        namespace("delete", "pod", f"{names.postgres}-0", *_NOW)

        def refused() -> str:
            reply = api.post("/api/rag/query", json=question | {"use_cache": False})
            return reply.text if reply.status_code == 503 else ""

        assert "the database does not answer" in until(refused, 20, "a 503 in words", pause=0.05)
        until(
            lambda: api.post("/api/rag/query", json=question).status_code == 200,
            90,
            "answers after the database is back",
        )
    assert namespace.state("rules").live == 1
