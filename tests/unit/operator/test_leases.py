"""Two releases of the operator that watch the same namespace."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.effects.leases import NAME as LEASE
from ragwright_operator.effects.leases import Leases, lasting
from ragwright_operator.running.reconcile import Reconciler
from tests.kit.operator import IMAGES, apply, reconciler
from tests.kit.operator_world import NAME, NAMESPACE, World


def operator(world: World, name: str, image: str = "ragwright:1") -> Reconciler:
    leases = Leases(world, name, lambda: world.now)  # type: ignore[arg-type]
    made = reconciler(world)
    site = replace(made.site, images=replace(IMAGES, ragwright=image))
    return replace(made, site=site, held_by_other=leases.held_by_other)


async def _rounds(world: World, *operators: Reconciler, count: int = 15) -> None:
    for _ in range(count):
        for each in operators:
            await each.reconcile(NAMESPACE, NAME)
        world.settle()


async def test_one_of_two_works_and_the_other_says_so() -> None:
    world = apply()
    first, second = operator(world, "a/one"), operator(world, "b/two", "ragwright:2")
    await _rounds(world, first, second)
    assert world.condition("Ready").status == "True"
    before = len(world.applied)
    await _rounds(world, first, second, count=60)
    assert len(world.applied) == before, "no Deployment is rolled to and fro"
    [told] = [
        item["message"]
        for (kind, _), item in world.objects.items()
        if kind == "Event" and item["reason"] == "TwoOperators"
    ]
    assert "operator a/one works in this namespace" in told
    made = await second.reconcile(NAMESPACE, NAME)
    assert made is not None
    assert not made.changed


async def test_the_other_takes_over_a_minute_after_the_first_is_gone() -> None:
    world = apply()
    first, second = operator(world, "a/one"), operator(world, "b/two", "ragwright:2")
    await _rounds(world, first, second)
    world.now += timedelta(seconds=61)
    await _rounds(world, second)
    containers = world.objects["Deployment", "docs-api"]["spec"]["template"]["spec"]["containers"]
    assert containers[0]["image"] == "ragwright:2"
    assert world.objects["Lease", LEASE]["spec"]["holderIdentity"] == "b/two"


async def test_a_pod_that_replaces_the_operators_waits_for_nothing() -> None:
    world = apply()
    await _rounds(world, operator(world, "a/one"))
    world.edit_spec(api={"replicas": 5})
    await operator(world, "a/one").reconcile(NAMESPACE, NAME)
    assert world.objects["Deployment", "docs-api"]["spec"]["replicas"] == 5


async def test_the_lease_is_renewed_and_not_in_every_round() -> None:
    world = apply()
    first = operator(world, "a/one")
    await _rounds(world, first, count=100)
    renewals = world.objects["Lease", LEASE]["metadata"]["resourceVersion"].count("+")
    assert 3 <= renewals <= 6


async def test_an_operator_that_looks_seldom_is_not_taken_for_gone_between_two_looks() -> None:
    world = apply()
    lasts = lasting(resync_seconds=600)
    pair = [Leases(world, name, lambda: world.now, lasts) for name in ("a/one", "b/two")]  # type: ignore[arg-type]
    assert await pair[0].held_by_other(NAMESPACE) == ""
    for _ in range(40):  # the other looks every 30 s
        assert await pair[1].held_by_other(NAMESPACE) == "a/one"
        world.now += timedelta(seconds=30)
    world.now += timedelta(seconds=30)
    assert await pair[1].held_by_other(NAMESPACE) == "", "it is gone"


async def test_the_log_says_once_who_works_and_once_that_it_changed() -> None:
    world = apply()
    first, second = (Leases(world, name, lambda: world.now) for name in ("a/one", "b/two"))  # type: ignore[arg-type]
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            await first.held_by_other(NAMESPACE)
            await second.held_by_other(NAMESPACE)
        assert [(log["log_level"], log["namespace"], log["other"]) for log in logs] == [
            ("warning", NAMESPACE, "a/one")
        ]
        world.now += timedelta(seconds=61)
        await second.held_by_other(NAMESPACE)
        await first.held_by_other(NAMESPACE)
    assert [log.get("instead_of") or log["other"] for log in logs[1:]] == ["a/one", "b/two"]


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": "b/two"}, {"renewTime": "yesterday"}])
async def test_a_lease_that_says_nothing_is_taken(spec: dict[str, str]) -> None:
    world = apply()
    metadata = {"name": LEASE, "namespace": NAMESPACE, "resourceVersion": "1"}
    world.objects["Lease", LEASE] = {"kind": "Lease", "metadata": metadata, "spec": dict(spec)}
    await _rounds(world, operator(world, "a/one"))
    assert world.condition("Ready").status == "True"


async def test_a_lease_that_may_not_be_written_hinders_nobody() -> None:
    world = apply()
    world.refuse["Lease", LEASE] = KubeError(403, "Forbidden", "no right")
    await _rounds(world, operator(world, "a/one"))
    assert world.condition("Ready").status == "True"


class Slow(World):
    """Where others come in between a look at the lease and its renewal."""

    async def get(self, kind: str, namespace: str, name: str) -> Manifest:
        found = await super().get(kind, namespace, name)
        await asyncio.sleep(0)
        return found


async def test_rounds_and_deletions_that_ask_at_once_renew_it_once() -> None:
    world = Slow()
    leases = Leases(world, "a/one", lambda: world.now)  # type: ignore[arg-type]
    for _ in range(3):
        held = [leases.held_by_other(NAMESPACE) for _ in range(10)]
        assert await asyncio.gather(*held) == [""] * 10
        world.now += timedelta(seconds=30)
    assert world.objects["Lease", LEASE]["metadata"]["resourceVersion"].count("+") == 2


async def test_two_pods_of_one_operator_that_renew_it_at_once_both_go_on() -> None:
    world = Slow()
    pods = [Leases(world, "a/one", lambda: world.now) for _ in range(2)]  # type: ignore[arg-type]
    for _ in range(3):
        held = [pod.held_by_other(NAMESPACE) for pod in pods]
        assert await asyncio.gather(*held) == ["", ""]
        world.now += timedelta(seconds=30)


async def test_who_loses_a_race_for_the_lease_looks_again() -> None:
    world = apply()
    world.refuse["Lease", LEASE] = KubeError(409, "AlreadyExists", "already exists")
    with pytest.raises(KubeError):
        await operator(world, "a/one").reconcile(NAMESPACE, NAME)
