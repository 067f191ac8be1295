"""An autoscaler's Deployment on a real API server: server-side apply gives up a number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from dev.kubectl import KubectlError, until
from ragwright_core.names import PipelineName
from tests.kit.cluster import RULES, Namespace, pipeline

FEW = {"minReplicas": 1, "maxReplicas": 3}


@contextmanager
def numbers_seen(namespace: Namespace, deployment: str) -> Iterator[set[int]]:
    """Every number of replicas that a Deployment's spec has meanwhile, looked at all the time."""
    seen: set[int] = set()
    ended = Event()

    def look() -> None:
        while not ended.is_set():
            seen.add(replicas(namespace, deployment))

    thread = Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join(timeout=30)


def replicas(namespace: Namespace, deployment: str) -> int:
    found = namespace.objects.get("Deployment", namespace.name, deployment)
    assert found is not None
    return int(found["spec"]["replicas"])


def reconciled(namespace: Namespace) -> None:
    """Wait until the operator has looked at the spec as it is now."""

    def seen() -> bool:
        found = namespace.objects.get("RagPipeline", namespace.name, "rules") or {}
        observed = found["status"]["observedGeneration"]
        return bool(observed == found["metadata"]["generation"])

    until(seen, 60, "the spec to be observed")


def test_an_autoscaler_takes_over_and_gives_back_the_number(namespace: Namespace) -> None:
    name = PipelineName(namespace.name, "rules").api
    small = pipeline("rules")["spec"]["api"]
    namespace.write_rules(RULES)
    namespace.apply(pipeline("rules", api={**small, "replicas": 2}))
    namespace.until_live("rules", 1)
    with numbers_seen(namespace, name) as seen:
        namespace.apply(pipeline("rules", api={**small, "replicas": 2, "autoscaling": FEW}))
        until(lambda: namespace.get("hpa", name), 60, "the autoscaler")
        reconciled(namespace)
    assert seen == {2}
    namespace("scale", "deploy", name, "--replicas=3")  # as an autoscaler does
    other = {**small, "resources": {**small["resources"], "requests": {"cpu": "30m"}}}
    with numbers_seen(namespace, name) as seen:
        namespace.apply(pipeline("rules", api={**other, "replicas": 2, "autoscaling": FEW}))
        reconciled(namespace)
    assert seen == {3}
    namespace.apply(pipeline("rules", api={**small, "replicas": 2}))
    until(lambda: replicas(namespace, name) == 2, 60, "the number that the spec names")
    until(lambda: namespace.get("hpa", name) is None, 60, "the autoscaler's end")
    assert namespace.state("rules").live == 1


@pytest.mark.parametrize(
    ("api", "words"),
    [
        ({"autoscaling": {"minReplicas": 4, "maxReplicas": 3}}, "write at most as many"),
        (
            {"autoscaling": FEW, "resources": {"requests": {"memory": "1Gi"}}},
            "write api.resources.requests.cpu",
        ),
    ],
)
def test_what_cannot_scale_is_refused_in_words(
    namespace: Namespace, api: dict[str, object], words: str
) -> None:
    with pytest.raises(KubectlError, match=words):
        namespace.apply(pipeline("rules", api=api))
