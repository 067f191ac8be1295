"""A small Kubernetes in memory for the operator's tests: objects, and controllers that act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import orjson

from dev.generate.crd import structural
from ragwright_core.contract import ORDER_FILE
from ragwright_core.names import FIELD_MANAGER, PIPELINE_LABEL, Identity
from ragwright_core.orders import BuildOrder, SwapOrder
from ragwright_core.report import Calls, IndexSummary, Problem, Report
from ragwright_core.spec import KIND, RagPipelineSpec
from ragwright_core.status import PipelineStatus
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.effects.replicas import REPLICAS_MANAGER
from tests.kit.operator_documents import Documents
from tests.kit.operator_index import BEGIN, Versions

NAMESPACE, NAME, UID = "team", "docs", "uid-of-docs"
Place = tuple[str, str]
_REPLICAS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


class Killed(BaseException):
    """The operator's process is killed here."""


def fill_defaults(schema: dict[str, Any], value: dict[str, Any]) -> None:
    """Fill in defaults as the API server does when it shows an object."""
    for name, child in schema.get("properties", {}).items():
        if name not in value and "default" in child:
            value[name] = _copy(child["default"])
        if isinstance(value.get(name), dict):
            fill_defaults(child, value[name])


Value = TypeVar("Value")


@cache
def _schema() -> dict[str, Any]:
    return structural(RagPipelineSpec)


def _copy(value: Value) -> Value:
    """What comes back from an API server: the same JSON, and other objects."""
    made: Value = orjson.loads(orjson.dumps(value))
    return made


@dataclass
class World(Versions, Documents):
    """Stands in for `Kube`. Jobs named in `running`, by name or by step, do not end; steps in
    `problems` fail; what is named in `refuse` cannot be written; controllers of the components in
    `podless` get no pod; `mutate` is what admission does to an applied object. Before the first
    object of the kind and beginning in `dies_before` is made, the operator is killed."""

    objects: dict[Place, Manifest] = field(default_factory=dict)
    created: list[Place] = field(default_factory=list)
    deleted: list[Place] = field(default_factory=list)
    applied: list[Place] = field(default_factory=list)
    replicas_held: set[Place] = field(default_factory=set)
    embedding_cosine: float | None = None
    calls: Calls | None = None
    api_answers: bool = True
    running: set[str] = field(default_factory=set)
    podless: set[str] = field(default_factory=set)
    problems: dict[str, Problem] = field(default_factory=dict)
    refuse: dict[Place, KubeError] = field(default_factory=dict)
    dies_before: Place | None = None
    mutate: Callable[[Manifest], None] = lambda _: None
    schema: dict[str, Any] = field(default_factory=_schema)

    # The calls of the operator.

    async def get(self, kind: str, namespace: str, name: str) -> Manifest:
        del namespace
        found = _copy(self._found(kind, name))
        if kind == KIND:
            fill_defaults(self.schema, found["spec"])
        return found

    async def create(self, manifest: Manifest) -> Manifest:
        place = self._place(manifest)
        if place in self.objects:
            raise KubeError(409, "AlreadyExists", f"{place} already exists")
        self._refuse(place)
        kind, begins = self.dies_before or ("", "")
        if place[0] == kind and place[1].startswith(begins):
            self.dies_before = None
            raise Killed
        self.created.append(place)
        return self._store(place, manifest)

    async def apply(
        self, manifest: Manifest, *, force: bool, manager: str = FIELD_MANAGER
    ) -> Manifest:
        place = self._place(manifest)
        self._refuse(place)
        if manager == REPLICAS_MANAGER:
            self.replicas_held.add(place)
            return _copy(self.objects[place])
        if place in self.objects and not force:
            raise KubeError(409, "Conflict", "another manager holds a field")
        self.applied.append(place)
        manifest = _copy(manifest)
        self.mutate(manifest)
        if manifest["kind"] == "Deployment" and "replicas" not in manifest["spec"]:
            held = place in self.replicas_held
            manifest["spec"]["replicas"] = self.objects[place]["spec"]["replicas"] if held else 1
        return self._store(place, manifest)

    async def apply_status(self, manifest: Manifest) -> Manifest:
        found = self._found(KIND, manifest["metadata"]["name"])
        found["status"] = _copy(manifest["status"])
        return found

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        del namespace
        self._found(kind, name)
        self.remove(kind, name)
        self.deleted.append((kind, name))

    async def merge(self, kind: str, namespace: str, name: str, body: Manifest) -> Manifest:
        del namespace
        found = self._found(kind, name)
        version = body["metadata"].pop("resourceVersion")
        if found["metadata"]["resourceVersion"] != version:
            raise KubeError(409, "Conflict", "the object has been modified")
        found["spec"].update(body["spec"])
        found["metadata"]["resourceVersion"] = f"{version}+"
        return found

    async def remove_keys(self, namespace: str, config_map: str, keys: tuple[str, ...]) -> None:
        del namespace
        data = self._found("ConfigMap", config_map)["data"]
        for key in keys:
            del data[key]

    def read_children(self, namespace: str, name: str) -> list[Manifest]:
        """The objects that the watches show: all those with our label."""
        del namespace
        wanted = {MANAGED_BY_LABEL: MANAGED_BY, PIPELINE_LABEL: name}
        return [
            _copy(item)
            for (kind, _), item in self.objects.items()
            if kind not in (KIND, "Secret", "Event")
            and wanted.items() <= (item["metadata"].get("labels") or {}).items()
        ]

    async def ask_index(self, pipeline: Identity) -> IndexSummary | None:
        del pipeline
        if not self.api_answers:
            return None
        return IndexSummary(
            term=self.live.term if self.live else self.term,
            live=self.live,
            previous=self.previous,
            others=self.others,
            embedding_cosine=self.embedding_cosine,
            calls=self.calls,
            pushes=dict(self.pushes),
        )

    # The actions of the rest of the cluster.

    def settle(self) -> None:
        """Controllers act: servers get ready, Jobs run to their end unless held as `running`."""
        self.now += timedelta(seconds=1)
        for (kind, name), item in list(self.objects.items()):
            if kind in ("Deployment", "StatefulSet"):
                without = component_of(item) in self.podless
                replicas = 0 if without else item["spec"]["replicas"]
                item["status"] = {
                    "observedGeneration": item["metadata"]["generation"],
                    **dict.fromkeys(_REPLICAS, replicas),
                }
            elif kind == "Job" and component_of(item) not in self.podless:
                self._run(name, item)

    def finish(self, job: str, *reports: Report | None, failed: bool = False) -> None:
        """End a Job by hand; a None is a pod without a report."""
        item = self.objects["Job", job]
        condition = {"type": "Failed" if failed else "Complete", "status": "True"}
        item["status"] = {"conditions": [condition]}
        labels = item["metadata"]["labels"]
        for number, report in enumerate(reports):
            self.add_pod(f"{job}-{number}", labels, job=job, report=report, phase="Succeeded")

    def add_pod(
        self,
        name: str,
        labels: dict[str, str],
        *,
        job: str = "",
        report: Report | None = None,
        phase: str = "Running",
        status: dict[str, Any] | None = None,
        volumes: list[Manifest] | None = None,
    ) -> None:
        message = report.message().decode() if report else ""
        self.objects["Pod", name] = {
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": {**labels, "batch.kubernetes.io/job-name": job},
                "creationTimestamp": BEGIN.isoformat(),
            },
            "spec": {"volumes": volumes or []},
            "status": {
                "phase": phase,
                "containerStatuses": [{"state": {"terminated": {"message": message}}}],
                **(status or {}),
            },
        }

    def remove(self, kind: str, name: str) -> None:
        """Delete an object and the objects that it owns."""
        gone = self.objects.pop((kind, name))
        uid = gone["metadata"].get("uid")
        for place, item in list(self.objects.items()):
            owners = [owner["uid"] for owner in item["metadata"].get("ownerReferences") or []]
            job = (item["metadata"].get("labels") or {}).get("batch.kubernetes.io/job-name")
            if uid in owners or (kind == "Job" and job == name):
                self.remove(*place)

    def edit_spec(self, **spec: Any) -> None:
        item = self.objects[KIND, NAME]
        item["spec"].update(spec)
        item["metadata"]["generation"] += 1

    def annotate(self, name: str, value: str) -> None:
        self.objects[KIND, NAME]["metadata"].setdefault("annotations", {})[name] = value

    # The state that tests look at.

    @property
    def status(self) -> PipelineStatus:
        return PipelineStatus.model_validate(self.objects[KIND, NAME].get("status") or {})

    def condition(self, kind: str) -> Any:
        return next(item for item in self.status.conditions if item.type == kind)

    def names(self, kind: str) -> list[str]:
        return [name for found, name in self.objects if found == kind]

    def events(self) -> list[str]:
        return [item["reason"] for (kind, _), item in self.objects.items() if kind == "Event"]

    def shape(self) -> dict[Place, Any]:
        """Everything but times and passwords, to compare two final states."""
        return {
            place: _timeless(item)
            for place, item in self.objects.items()
            if place[0] not in ("Event", "Pod")
        }

    # Inside.

    def _found(self, kind: str, name: str) -> Manifest:
        if (kind, name) not in self.objects:
            raise KubeError(404, "NotFound", f"{kind} {name} not found")
        return self.objects[kind, name]

    def _refuse(self, place: Place) -> None:
        if place in self.refuse:
            raise self.refuse[place]

    def _place(self, manifest: Manifest) -> Place:
        return manifest["kind"], manifest["metadata"]["name"]

    def _store(self, place: Place, manifest: Manifest) -> Manifest:
        stored = _copy(manifest)
        before = self.objects.get(place, {"metadata": {}})
        stored["metadata"]["uid"] = before["metadata"].get("uid", f"uid-of-{'-'.join(place)}")
        stored["metadata"]["creationTimestamp"] = self.now.isoformat()
        stored["metadata"]["resourceVersion"] = "1"
        same = stored.get("spec") == before.get("spec")
        generation = before["metadata"].get("generation", 0)
        stored["metadata"]["generation"] = generation if same else generation + 1
        if "status" in before:
            stored["status"] = before["status"]
        self.objects[place] = stored
        return _copy(stored)

    def _run(self, name: str, item: Manifest) -> None:
        if "conditions" in (item.get("status") or {}):
            return
        if self.running & {name, component_of(item)}:
            item["status"] = {"active": 1}
        else:
            self._finish(name, item)

    def _finish(self, name: str, item: Manifest) -> None:
        step = component_of(item)
        if step in self.problems:
            self.finish(name, Report(outcome="failed", problem=self.problems[step]), failed=True)
        elif step == "cleanup":
            self.finish(name, Report(outcome="cleaned"))
        elif step == "swap":
            self.finish(name, self.swap_report(self.swap_order(item)))
        elif step == "index" and self.failed_gates:
            self.finish(name, self.gates_report(self.build_order(item)), failed=True)
        else:
            self.finish(name, self.report(step, self.build_order(item)))

    def build_order(self, job: Manifest) -> BuildOrder:
        return BuildOrder.model_validate_json(self._order_file(job))

    def swap_order(self, job: Manifest) -> SwapOrder:
        return SwapOrder.model_validate_json(self._order_file(job))

    def _order_file(self, job: Manifest) -> str:
        """The order that the kubelet mounts. A pod cannot start before its ConfigMap exists."""
        volumes = job["spec"]["template"]["spec"]["volumes"]
        [name] = [item["configMap"]["name"] for item in volumes if item["name"] == "order"]
        return str(self.objects["ConfigMap", name]["data"][ORDER_FILE.name])


def component_of(item: Manifest) -> str:
    return str(item["metadata"]["labels"]["app.kubernetes.io/component"])


_MOVING = (
    "askedAt", "startedAt", "finishedAt", "lastTransitionTime", "lookedAt", "at", "swappedAt",
    "creationTimestamp", "stringData", "generation", "observedGeneration",
)  # fmt: skip


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in _MOVING}
    if isinstance(value, list):
        return [_timeless(item) for item in value]
    return value
