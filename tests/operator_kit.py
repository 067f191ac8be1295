"""A small Kubernetes in memory for the operator's tests: objects, and controllers that act."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ragwright_core.handover import BuildOrder, SwapOrder
from ragwright_core.names import BUILD_ENV, PIPELINE_LABEL, PipelineName
from ragwright_core.report import (
    Calls,
    Counts,
    IndexSummary,
    LiveIndex,
    OtherVersion,
    Problem,
    Reason,
    Report,
    Swap,
    Verdict,
)
from ragwright_core.spec import GROUP, KIND, VERSION, shape_fingerprint
from ragwright_core.status import PipelineStatus
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.execute import nothing
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.metrics import make_metrics
from ragwright_operator.plan.steps import Step
from ragwright_operator.reconcile import Reconciler, Round
from ragwright_operator.settings import Images

NAMESPACE, NAME, UID = "team", "docs", "uid-of-docs"
IMAGES = Images("ragwright:1", "postgres:1", "redis:1", "IfNotPresent")
BEGIN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
Place = tuple[str, str]


class Killed(BaseException):
    """The operator's process is killed here."""


def pipeline(**spec: Any) -> Manifest:
    sources = [{"name": "handbook", "configMap": {"name": "handbook"}}]
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": NAME, "namespace": NAMESPACE, "uid": UID, "generation": 1},
        "spec": {"sources": sources, **spec},
    }


@dataclass
class World:
    """Stands in for `Kube`. Jobs named in `running`, by name or by step, do not end; steps in
    `problems` fail; what is named in `refuse` cannot be written."""

    objects: dict[Place, Manifest] = field(default_factory=dict)
    created: list[Place] = field(default_factory=list)
    deleted: list[Place] = field(default_factory=list)
    applied: list[Place] = field(default_factory=list)
    now: datetime = BEGIN
    live: LiveIndex | None = None
    previous: int | None = None
    others: list[OtherVersion] = field(default_factory=list)
    failed_gates: tuple[str, ...] = ()
    embedding_cosine: float | None = None
    calls: Calls | None = None
    api_answers: bool = True
    running: set[str] = field(default_factory=set)
    problems: dict[str, Problem] = field(default_factory=dict)
    refuse: dict[Place, KubeError] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _versions: dict[str, int] = field(default_factory=dict)
    _built: dict[int, LiveIndex] = field(default_factory=dict)

    # What the operator calls.

    async def get(self, kind: str, namespace: str, name: str) -> Manifest:
        del namespace
        return copy.deepcopy(self._found(kind, name))

    async def create(self, manifest: Manifest) -> Manifest:
        place = self._place(manifest)
        if place in self.objects:
            raise KubeError(409, "AlreadyExists", f"{place} already exists")
        self._refuse(place)
        self.created.append(place)
        return self._store(place, manifest)

    async def apply(self, manifest: Manifest, *, force: bool) -> Manifest:
        place = self._place(manifest)
        self._refuse(place)
        if place in self.objects and not force:
            raise KubeError(409, "Conflict", "another manager holds a field")
        self.applied.append(place)
        return self._store(place, manifest)

    async def apply_status(self, manifest: Manifest) -> Manifest:
        found = self._found(KIND, manifest["metadata"]["name"])
        found["status"] = copy.deepcopy(manifest["status"])
        return found

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        del namespace
        self._found(kind, name)
        self.remove(kind, name)
        self.deleted.append((kind, name))

    async def remove_keys(self, namespace: str, config_map: str, keys: tuple[str, ...]) -> None:
        del namespace
        data = self._found("ConfigMap", config_map)["data"]
        for key in keys:
            del data[key]

    def read_children(self, namespace: str, name: str) -> list[Manifest]:
        """What the watches show: everything labelled as ours."""
        del namespace
        wanted = {MANAGED_BY_LABEL: MANAGED_BY, PIPELINE_LABEL: name}
        return [
            copy.deepcopy(item)
            for (kind, _), item in self.objects.items()
            if kind not in (KIND, "Secret", "Event")
            and wanted.items() <= (item["metadata"].get("labels") or {}).items()
        ]

    async def ask_index(self, names: PipelineName) -> IndexSummary | None:
        del names
        if not self.api_answers:
            return None
        return IndexSummary(
            live=self.live,
            previous=self.previous,
            others=self.others,
            embedding_cosine=self.embedding_cosine,
            calls=self.calls,
        )

    # What the rest of the cluster does.

    def settle(self) -> None:
        """Controllers act: servers get ready, Jobs run to their end unless held as `running`."""
        self.now += timedelta(seconds=1)
        for (kind, name), item in list(self.objects.items()):
            if kind in ("Deployment", "StatefulSet"):
                replicas = item["spec"]["replicas"]
                item["status"] = {"readyReplicas": replicas, "availableReplicas": replicas}
            elif kind == "Job" and not self.running & {name, component_of(item)}:
                self._finish(name, item)

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
        """Delete, with what it owns."""
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

    # What tests look at.

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
        """Everything but moments and passwords, to compare two ends."""
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
        stored = copy.deepcopy(manifest)
        before = self.objects.get(place, {"metadata": {}})
        stored["metadata"]["uid"] = before["metadata"].get("uid", f"uid-of-{'-'.join(place)}")
        stored["metadata"]["creationTimestamp"] = self.now.isoformat()
        if "status" in before:
            stored["status"] = before["status"]
        self.objects[place] = stored
        return copy.deepcopy(stored)

    def _finish(self, name: str, item: Manifest) -> None:
        if item.get("status"):
            return
        step = component_of(item)
        if step in self.problems:
            self.finish(name, Report(outcome="failed", problem=self.problems[step]), failed=True)
        elif step == "cleanup":
            self.finish(name, Report(outcome="cleaned"))
        elif step == "swap":
            self.finish(name, self.swap_report(swap_order_of(item)))
        elif step == "index" and self.failed_gates:
            self.finish(name, self.gates_report(order_of(item)), failed=True)
        else:
            self.finish(name, self.report(step, order_of(item)))

    def report(self, step: str, order: BuildOrder) -> Report:
        if order.request not in self._versions:
            self._versions[order.request] = next(self._numbers)
        number = self._versions[order.request]
        common = Report(
            outcome="loaded",
            number=number,
            shape=shape_fingerprint(order.spec),
            source_revision="configMap 1",
            embedding_fingerprint="e",
            counts=Counts(documents=2, chunks=4, embedded=4),
        )
        if step == "load":
            return common
        self._built[number] = self._index(common)
        if order.spec.reindex.approval == "Manual":
            ready = OtherVersion(number=number, state="ready", shape=common.shape, intact=True)
            self.others.insert(0, ready)
            return common.model_copy(update={"outcome": "ready"})
        return self._swapped(common, number, order.spec.reindex.keep)

    def gates_report(self, order: BuildOrder) -> Report:
        """Of an index Job whose version failed `failed_gates`."""
        report = self.report("load", order)
        assert report.number is not None
        self._built[report.number] = self._index(report)
        wrong = [Verdict(gate=gate, ok=False, want="1", got="2") for gate in self.failed_gates]
        update = {
            "outcome": "failed",
            "problem": failing(Reason.GATE_FAILED),
            "verdicts": [Verdict(gate="chunks", ok=True, want="1", got="4"), *wrong],
        }
        return report.model_copy(update=update)

    def _index(self, report: Report) -> LiveIndex:
        assert report.number is not None
        return LiveIndex(
            number=report.number,
            term=report.number,
            shape=report.shape,
            source_revision=report.source_revision,
            embedding_fingerprint="e",
            documents=2,
            chunks=4,
            swapped_at=(self.now - timedelta(seconds=10)).isoformat(),
        )

    def swap_report(self, order: SwapOrder) -> Report:
        if order.number is None:
            kept = [other.number for other in self.others if other.state == "kept"]
            gone = set(kept[order.spec.reindex.keep :]) - {order.spec.reindex.pin}
            self.others = [other for other in self.others if other.number not in gone]
            return Report(outcome="dropped")
        built = self._built[order.number]
        report = Report(
            outcome="swapped",
            number=order.number,
            shape=built.shape,
            source_revision=built.source_revision,
            embedding_fingerprint="e",
            counts=Counts(documents=2, chunks=4),
        )
        return self._swapped(report, order.number, order.spec.reindex.keep)

    def _swapped(self, report: Report, number: int, keep: int) -> Report:
        old = self.live
        self.previous = old.number if old else None
        term = (old.term if old else 0) + 1
        self.live = self._built[number].model_copy(update={"term": term, "intact": True})
        others = [other for other in self.others if other.number != number]
        if old is not None and old.number in self._built and old.intact:
            others.append(
                OtherVersion(number=old.number, state="kept", shape=old.shape, intact=True)
            )
        self.others = sorted(others, key=lambda other: -other.number)[:keep]
        swap = Swap(milliseconds=3, attempts=1)
        update = {"outcome": "swapped", "previous": self.previous, "swap": swap}
        return report.model_copy(update=update)


def component_of(item: Manifest) -> str:
    return str(item["metadata"]["labels"]["app.kubernetes.io/component"])


def order_of(job: Manifest) -> BuildOrder:
    return BuildOrder.model_validate_json(_order_json(job))


def swap_order_of(job: Manifest) -> SwapOrder:
    return SwapOrder.model_validate_json(_order_json(job))


def _order_json(job: Manifest) -> str:
    environment = job["spec"]["template"]["spec"]["containers"][0]["env"]
    [order] = [item["value"] for item in environment if item["name"] == BUILD_ENV]
    return str(order)


def failing(reason: Reason, message: str = "it does not work; mend it") -> Problem:
    return Problem(reason=reason, message=message)


def apply(manifest: Manifest | None = None) -> World:
    """A world in which a person has just applied a pipeline."""
    world = World()
    manifest = manifest or pipeline()
    world.objects[KIND, manifest["metadata"]["name"]] = manifest
    return world


def reconciler(world: World, after_step: Callable[[Step], None] = nothing) -> Reconciler:
    return Reconciler(
        kube=world,  # type: ignore[arg-type]
        cluster="cluster-1",
        images=IMAGES,
        read_children=world.read_children,
        ask_index=world.ask_index,
        metrics=make_metrics(),
        now=lambda: world.now,
        after_step=after_step,
    )


async def one_round(world: World, after_step: Callable[[Step], None] = nothing) -> Round | None:
    return await reconciler(world, after_step).reconcile(NAMESPACE, NAME)


async def rounds(
    world: World, after_step: Callable[[Step], None] = nothing, *, most: int = 40
) -> None:
    """Rounds, with the cluster acting in between, until nothing changes any more."""
    for _ in range(most):
        made = await one_round(world, after_step)
        world.settle()
        if made is None or (not made.changed and made.again_seconds is None):
            return
    raise AssertionError(f"no rest after {most} rounds: {world.status}")


@contextmanager
def kill_after(steps: int) -> Iterator[Callable[[Step], None]]:
    """An `after_step` that kills the operator once, when this many steps are done."""
    left = itertools.count(steps - 1, -1)

    def count(_: Step) -> None:
        if next(left) == 0:
            raise Killed

    yield count


_MOVING = (
    "askedAt", "startedAt", "finishedAt", "lastTransitionTime", "at", "swappedAt",
    "creationTimestamp", "stringData",
)  # fmt: skip


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in _MOVING}
    if isinstance(value, list):
        return [_timeless(item) for item in value]
    return value
