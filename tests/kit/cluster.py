"""Pipelines for the cluster tests: made in a namespace of their own, watched with deadlines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from dev.demo.pipeline import State, state
from dev.install import Installed
from dev.kubectl import Kubectl, until
from ragwright_core.contract import API_PORT
from ragwright_core.names import PIPELINE_LABEL, PipelineName
from ragwright_core.spec import KIND
from tests.kit.objects import Objects, objects

RULES = {
    "refunds.md": "# Refunds\n\nThe refund policy gives your money back within thirty days.\n",
    "shipping.md": "# Shipping\n\nParcels are shipped from Hamburg on every working day.\n",
}
# Small enough for several pipelines on two cores.
_SMALL = {"requests": {"cpu": "20m", "memory": "96Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}


def pipeline(name: str, **spec: Any) -> dict[str, Any]:
    """A pipeline over the ConfigMap `rules`, small; `spec` replaces whole groups."""
    groups = {
        "sources": [{"name": "rules", "configMap": {"name": "rules"}}],
        "api": {"replicas": 1, "resources": _SMALL},
        "ingest": {"parallelism": 1, "resources": _SMALL},
        "database": {"managed": {"storage": "1Gi", "resources": _SMALL}},
    }
    return {
        "apiVersion": "ragwright.dev/v1alpha1",
        "kind": "RagPipeline",
        "metadata": {"name": name},
        "spec": {**groups, **spec},
    }


@dataclass(frozen=True)
class Namespace:
    """A namespace, and what the tests do in it."""

    name: str
    installed: Installed

    @property
    def kubectl(self) -> Kubectl:
        return self.installed.kubectl

    @cached_property
    def objects(self) -> Objects:
        return objects(self.kubectl)

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        return self.kubectl("-n", self.name, *arguments, stdin=stdin)

    def apply(self, manifest: dict[str, Any]) -> str:
        return self("apply", "-f", "-", stdin=json.dumps(manifest))

    def write_rules(self, documents: dict[str, str], name: str = "rules") -> None:
        metadata = {"name": name}
        self.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": documents}
        )

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        return self.kubectl.get("-n", self.name, kind, name)

    def store_secret(self, name: str, component: str) -> str:
        """The name of the Secret that the operator made for a managed store."""
        labels = f"{PIPELINE_LABEL}={name},app.kubernetes.io/component={component}"
        [found] = self("get", "secret", "-l", labels, "-o", "name").split()
        return found.removeprefix("secret/")

    def state(self, name: str) -> State:
        return state(self.objects.get(KIND, self.name, name))

    def items(self, kind: str, labels: str) -> list[dict[str, Any]]:
        return self.objects.items(kind, self.name, labels)

    def until(
        self, name: str, done: Callable[[State], bool], what: str, seconds: float = 180
    ) -> State:
        """Poll a pipeline until `done`; the DeadlineError tells its last conditions."""
        last: list[State] = []

        def check() -> State | None:
            last[:] = [self.state(name)]
            return last[0] if done(last[0]) else None

        try:
            return until(check, seconds, what)
        except Exception as error:
            error.add_note(json.dumps(last[0].status, indent=1) if last else "no status")
            error.add_note(self("get", "pods,jobs", "-o", "wide"))
            raise

    def until_live(self, name: str, number: int) -> State:
        return self.until(name, lambda at: at.live == number and at.ready, f"version {number}")

    def condition(self, name: str, kind: str) -> dict[str, Any]:
        found = [c for c in self.state(name).status.get("conditions", []) if c["type"] == kind]
        return dict(found[0]) if found else {}

    def until_reason(self, name: str, reason: str, seconds: float = 180) -> str:
        """Wait for Degraded with this reason; returns its message."""

        def check() -> str | None:
            found = self.condition(name, "Degraded")
            hit = found.get("status") == "True" and found.get("reason") == reason
            return str(found["message"]) if hit else None

        try:
            return until(check, seconds, f"Degraded with reason {reason}")
        except Exception as error:
            error.add_note(json.dumps(self.state(name).status, indent=1))
            raise

    @contextmanager
    def api(self, name: str) -> Iterator[httpx.Client]:
        service = f"svc/{PipelineName(self.name, name).api}"
        with (
            self.kubectl.forward(self.name, service, API_PORT) as url,
            httpx.Client(base_url=url, timeout=10) as client,
        ):
            yield client

    def ask(self, name: str, question: str) -> str:
        with self.api(name) as client:
            reply = client.post("/api/rag/query", json={"question": question})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["answer"])
