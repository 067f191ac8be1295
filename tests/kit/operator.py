"""Rounds of the operator over a world in memory, and the scenes that tests begin with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from ragwright_core.spec import GROUP, KIND, REINDEX_ANNOTATION, VERSION
from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.execute import nothing
from ragwright_operator.effects.observe import Readers
from ragwright_operator.plan.steps import Step
from ragwright_operator.running.reconcile import Reconciler, Round
from ragwright_operator.settings import Images, Site
from ragwright_operator.telemetry.metrics import make_metrics
from ragwright_operator.telemetry.strangers import Strangers
from tests.kit.operator_world import NAME, NAMESPACE, UID, Killed, World

IMAGES = Images("ragwright:1", "postgres:1", "redis:1", "IfNotPresent")
PIN_1 = {"pin": 1, "keep": 1}


def pipeline(**spec: Any) -> Manifest:
    sources = [{"name": "handbook", "configMap": {"name": "handbook"}}]
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": NAME, "namespace": NAMESPACE, "uid": UID, "generation": 1},
        "spec": {"sources": sources, **spec},
    }


def apply(manifest: Manifest | None = None) -> World:
    """A world in which a person has just applied a pipeline."""
    world = World()
    manifest = manifest or pipeline()
    world.objects[KIND, manifest["metadata"]["name"]] = manifest
    return world


def reconciler(
    world: World,
    after_step: Callable[[Step], None] = nothing,
    allowed_hosts: tuple[str, ...] = (),
) -> Reconciler:
    return Reconciler(
        kube=world,  # type: ignore[arg-type]
        site=Site("cluster-1", IMAGES, allowed_hosts),
        readers=Readers(
            world.read_children, world.seen_documents, world.read_documents, world.ask_index
        ),
        metrics=make_metrics(),
        now=lambda: world.now,
        strangers=Strangers(),
        after_step=after_step,
    )


async def one_round(world: World, after_step: Callable[[Step], None] = nothing) -> Round | None:
    return await reconciler(world, after_step).reconcile(NAMESPACE, NAME)


async def rounds(
    world: World, after_step: Callable[[Step], None] = nothing, *, most: int = 40
) -> None:
    """Make rounds, with the cluster acting in between, until nothing changes any more."""
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


async def two_versions(**reindex: Any) -> World:
    """A world in which version 2 is live and version 1 is kept."""
    world = apply(pipeline(reindex={"keep": 1, **reindex}))
    await rounds(world)
    pod_of_api(world)
    world.annotate(REINDEX_ANNOTATION, "again")
    await rounds(world)
    assert live(world) == 2
    return world


def pod_of_api(world: World, name: str = "api-1", **pod: Any) -> None:
    """Add an API pod, which is ready unless its status says otherwise."""
    labels = {
        "app.kubernetes.io/managed-by": "ragwright",
        "ragwright.dev/pipeline": NAME,
        "app.kubernetes.io/component": "api",
    }
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    world.add_pod(name, labels, **{"status": ready, **pod})


def live(world: World) -> int | None:
    return world.status.index.live.number if world.status.index.live else None


def loads(world: World) -> int:
    """How many load Jobs were made."""
    return sum(kind == "Job" and "-load-" in name for kind, name in world.created)


def swap_jobs(world: World) -> list[str]:
    return [name for kind, name in world.created if kind == "Job" and "-swap-" in name]


async def passed(world: World, seconds: float = 10) -> None:
    """Bring all to rest, let this time pass, and again."""
    await rounds(world, most=80)
    world.now += timedelta(seconds=seconds)
    await rounds(world, most=80)


async def later(world: World, minutes: float = 2) -> None:
    world.now += timedelta(minutes=minutes)
    await rounds(world)
