"""The operator is removed before its pipelines: nothing stays that nobody can delete."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from ragwright_core.names import FINALIZER
from ragwright_core.spec import KIND
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.effects.leases import NAME as LEASE
from ragwright_operator.plan.leaving import fate
from ragwright_operator.running.leave import Leaving, StillHeldError
from ragwright_operator.settings import SettingsError, read_departure
from tests.kit.operator_index import BEGIN

OURS = ("system", "mine-operator")


def pipeline(name: str, *, namespace: str = "team", going: bool = False, **spec: Any) -> Manifest:
    metadata: Manifest = {"name": name, "namespace": namespace, "resourceVersion": "1"}
    metadata["finalizers"] = ["others.example/one", FINALIZER]
    if going:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"kind": KIND, "metadata": metadata, "spec": spec}


def lease(namespace: str, holder: str, *, age: int = 10) -> Manifest:
    renewed = (BEGIN - timedelta(seconds=age)).isoformat()
    labels = {MANAGED_BY_LABEL: MANAGED_BY}
    spec = {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 60}
    metadata = {"name": LEASE, "namespace": namespace, "labels": labels}
    return {"kind": "Lease", "metadata": metadata, "spec": spec}


@dataclass
class Cluster:
    """Stands in for `Kube`. A running operator finishes deletions after `deletion_takes` seconds,
    and puts its finalizer back where it is missing; so does another one, which takes the lease
    over when it may after `taken_over_after`."""

    objects: list[Manifest]
    replicas: int | None = 1
    ready: int = 1
    ends_after: float = 3.0
    deletion_takes: float = 1e9
    taken_over_after: float = 1e9
    refuse: KubeError | None = None
    seconds: float = 0.0
    stopped_at: float = 1e9
    fails: list[KubeError] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if self.runs and self.seconds > self.deletion_takes:
            self.objects = [item for item in self.objects if not going(item)]
        if self.seconds > self.taken_over_after and not self.named("Lease"):
            self.objects.append(lease("team", "b/two"))
        if self.runs or self.taken_over_after < 1e9:
            for item in self.named(KIND):
                item["metadata"]["finalizers"] = ["others.example/one", FINALIZER]

    @property
    def runs(self) -> bool:
        return self.replicas is not None and self.seconds < self.stopped_at + self.ends_after

    def named(self, kind: str) -> list[Manifest]:
        return [item for item in self.objects if item["kind"] == kind]

    @property
    def held(self) -> list[str]:
        return [
            item["metadata"]["name"]
            for item in self.named(KIND)
            if FINALIZER in item["metadata"]["finalizers"]
        ]

    async def get(self, kind: str, namespace: str, name: str) -> Manifest:
        assert (kind, (namespace, name)) == ("Deployment", OURS)
        if self.replicas is None:
            raise KubeError(404, "NotFound", "")
        return {
            "spec": {"replicas": self.replicas, "selector": {"matchLabels": {"a": "b"}}},
            "status": {"readyReplicas": self.ready},
        }

    async def list(
        self, kind: str, namespace: str | None, labels: str, **query: str
    ) -> dict[str, Any]:
        if self.fails:
            raise self.fails.pop()
        if kind == "Pod":
            assert (namespace, labels) == (OURS[0], "a=b")
            return {"items": [{}] if self.runs else []}
        found = [
            item for item in self.named(kind) if namespace in (None, item["metadata"]["namespace"])
        ]
        begin, most = int(query.get("continue", 0)), 2  # smaller pages than asked for
        more = str(begin + most) if len(found) > begin + most else ""
        return {"items": found[begin : begin + most], "metadata": {"continue": more}}

    async def scale(self, kind: str, namespace: str, name: str, replicas: int) -> None:
        assert (kind, (namespace, name), replicas) == ("Deployment", OURS, 0)
        self.replicas, self.stopped_at = 0, self.seconds

    async def merge(self, kind: str, namespace: str, name: str, body: Manifest) -> Manifest:
        if self.refuse:
            raise self.refuse
        place = (namespace, name)
        [found] = [i for i in self.named(kind) if place_of(i) == place]
        assert body["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]
        found["metadata"]["finalizers"] = body["metadata"]["finalizers"]
        return found

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        assert name == LEASE
        self.objects.remove(
            next(i for i in self.named(kind) if i["metadata"]["namespace"] == namespace)
        )

    async def let_go(self, *namespaces: str) -> None:
        kube: Any = self
        await Leaving(kube, OURS, namespaces, lambda: BEGIN, lambda: self.seconds, self.sleep).run()


def place_of(item: Manifest) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def going(item: Manifest) -> bool:
    return "deletionTimestamp" in item["metadata"]


async def test_it_is_stopped_first_and_then_every_pipeline_is_let_go() -> None:
    cluster = Cluster([pipeline(f"p{number}") for number in range(5)])
    await cluster.let_go()
    assert (cluster.replicas, cluster.held) == (0, [])
    for item in cluster.objects:
        assert item["metadata"]["finalizers"] == ["others.example/one"], "others keep theirs"


async def test_an_operator_that_is_gone_already_holds_nothing_back() -> None:
    for cluster in (
        Cluster([pipeline("docs")], replicas=None),
        Cluster([pipeline("docs", going=True)], ready=0),
    ):
        await cluster.let_go()
        assert cluster.held == []
        assert cluster.seconds < 30


async def test_a_deletion_that_has_begun_is_finished_by_the_operator() -> None:
    cluster = Cluster([pipeline("docs", going=True), pipeline("other")], deletion_takes=40)
    await cluster.let_go()
    assert [item["metadata"]["name"] for item in cluster.objects] == ["other"]
    assert cluster.stopped_at > 40


async def test_a_deletion_that_does_not_end_is_let_go_after_a_minute_or_so() -> None:
    cluster = Cluster([pipeline("docs", going=True)])
    await cluster.let_go()
    assert cluster.held == []
    assert 60 < cluster.stopped_at < 90


async def test_only_the_namespaces_that_it_watches_are_let_go() -> None:
    cluster = Cluster([pipeline("docs"), pipeline("theirs", namespace="elsewhere")])
    await cluster.let_go("team", "empty")
    assert cluster.held == ["theirs"]


async def test_what_another_operator_works_on_is_left_to_it() -> None:
    theirs = pipeline("theirs", namespace="elsewhere")
    over = lease("over", "c/three", age=600)
    cluster = Cluster(
        [
            pipeline("docs"),
            theirs,
            lease("elsewhere", "b/two"),
            over,
            pipeline("x", namespace="over"),
        ]
    )
    await cluster.let_go()
    assert cluster.held == ["theirs"]


async def test_its_leases_end_so_that_another_operator_takes_over_at_once() -> None:
    cluster = Cluster([pipeline("docs"), lease("team", "/".join(OURS))], taken_over_after=20)
    await cluster.let_go()
    assert cluster.held == ["docs"]
    assert [item["spec"]["holderIdentity"] for item in cluster.named("Lease")] == ["b/two"]


async def test_what_hinders_is_said_within_a_bounded_time() -> None:
    refusal = KubeError(422, "Invalid", "spec.sources: Required value")
    cluster = Cluster([pipeline("docs"), pipeline("more")], refuse=refusal)
    with pytest.raises(StillHeldError, match=r"team/docs is still held: 422 .* \(and 1 more\)"):
        await cluster.let_go()
    assert cluster.seconds < 240


async def test_failures_of_the_api_server_may_pass_and_a_missing_right_does_not() -> None:
    cluster = Cluster([pipeline("docs")], fails=[KubeError(503, "", ""), KubeError(429, "", "")])
    await cluster.let_go()
    assert cluster.held == []
    forbidden = Cluster([pipeline("docs")], fails=[KubeError(403, "Forbidden", "no right")])
    with pytest.raises(KubeError, match="no right"):
        await forbidden.let_go()
    assert forbidden.seconds < 5


def test_a_person_is_told_what_becomes_of_the_index() -> None:
    own: dict[str, Any] = {"database": {"secretKeyRef": {"name": "db", "key": "uri"}}}
    assert fate(pipeline("docs")) == "goes on answering; no change of it is carried out"
    assert fate(pipeline("docs", going=True, **own)) == "is deleted"
    assert "DROP SCHEMA" not in fate(pipeline("docs", deletionPolicy="Delete"))
    for going_now in (True, False):
        words = fate(pipeline("docs", going=going_now, deletionPolicy="Delete", **own))
        assert "DROP SCHEMA rag_team_docs_" in words


def test_the_deployment_must_be_named() -> None:
    found = read_departure({"RAGWRIGHT_OPERATOR_ID": "a/b", "RAGWRIGHT_WATCH_NAMESPACES": "x,y"})
    assert (found.deployment, found.namespaces) == (("a", "b"), ("x", "y"))
    for wrong in ("", "a", "/b"):
        with pytest.raises(SettingsError, match="RAGWRIGHT_OPERATOR_ID"):
            read_departure({"RAGWRIGHT_OPERATOR_ID": wrong})
