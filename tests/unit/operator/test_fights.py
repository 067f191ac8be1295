"""An admission, or another controller, that undoes what the operator applies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ragwright_core.names import PipelineName
from ragwright_operator.desired.target import Manifest
from tests.kit.operator import apply, reconciler
from tests.kit.operator_world import NAME, NAMESPACE, World

NAMES = PipelineName(NAMESPACE, NAME)
API = ("Deployment", NAMES.api)


def _pod(manifest: Manifest) -> dict[str, Any]:
    return dict(manifest["spec"]["template"]["spec"])


def _mirror(manifest: Manifest) -> None:
    _pod(manifest)["containers"][0]["image"] = "mirror.example/ragwright:1"


def _drop_limits(manifest: Manifest) -> None:
    del _pod(manifest)["containers"][0]["resources"]["limits"]["cpu"]


def _set_uid(manifest: Manifest) -> None:
    _pod(manifest)["securityContext"]["runAsUser"] = 1000


def _add_spread(manifest: Manifest) -> None:
    _pod(manifest)["topologySpreadConstraints"].append({"topologyKey": "zone"})


def _relabel(manifest: Manifest) -> None:
    manifest["metadata"]["labels"]["app.kubernetes.io/name"] = "theirs"


# What a policy does to an object of the API, and the field that is named.
BEHAVIOURS: dict[str, tuple[tuple[str, str], Callable[[Manifest], None], str]] = {
    "a mirror": (API, _mirror, "spec.template.spec.containers[api].image"),
    "no cpu limits": (API, _drop_limits, "containers[api].resources.limits.cpu"),
    "a uid": (API, _set_uid, "spec.template.spec.securityContext.runAsUser"),
    "a second spread": (API, _add_spread, "spec.template.spec.topologySpreadConstraints"),
    "a label": (("Service", NAMES.api), _relabel, "metadata.labels.app.kubernetes.io/name"),
    "a selector": (
        ("Service", NAMES.redis),
        lambda item: item["spec"]["selector"].update(theirs="1"),
        "spec.selector.theirs",
    ),
    "a key of a ConfigMap": (
        ("ConfigMap", NAMES.redis),
        lambda item: item["data"].update(theirs="1"),
        "data.theirs",
    ),
}


def _world(place: tuple[str, str], change: Callable[[Manifest], None]) -> World:
    world = apply()

    def mutate(manifest: Manifest) -> None:
        if (manifest["kind"], manifest["metadata"]["name"]) == place:
            change(manifest)

    world.mutate = mutate
    return world


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_what_is_undone_each_time_is_left_and_told(name: str) -> None:
    place, change, field = BEHAVIOURS[name]
    world = _world(place, change)
    operator = reconciler(world)
    for _ in range(60):
        await operator.reconcile(NAMESPACE, NAME)
        world.settle()
    assert Counter(world.applied)[place] <= 7
    degraded = world.condition("Degraded")
    assert (degraded.status, degraded.reason) == ("True", "Overridden")
    assert f"{place[0]} {place[1]}: " in degraded.message
    assert field in degraded.message
    assert world.condition("Ready").status == "True", "all else goes on"
    made = await operator.reconcile(NAMESPACE, NAME)
    assert made is not None
    assert not made.changed, "it is quiet"
    # Mended, it is well again by itself.
    world.mutate = lambda _: None
    world.now += timedelta(minutes=6)
    for _ in range(3):
        await operator.reconcile(NAMESPACE, NAME)
        world.settle()
    assert world.condition("Degraded").status == "False"


async def test_a_settings_map_that_is_rewritten_is_left_and_told() -> None:
    """It is immutable, and so deleted and made again."""
    world = apply()
    await reconciler(world).reconcile(NAMESPACE, NAME)
    [name] = [name for name in world.names("ConfigMap") if name.startswith(f"{NAMES.api}-")]
    world = _world(("ConfigMap", name), lambda item: item["data"].update(theirs="1"))
    operator = reconciler(world)
    for _ in range(60):
        await operator.reconcile(NAMESPACE, NAME)
        world.settle()
    assert Counter(world.applied)["ConfigMap", name] <= 7
    assert world.condition("Degraded").reason == "Overridden"


async def test_edits_by_hand_are_repaired_for_as_long_as_they_are_few() -> None:
    world = apply()
    operator = reconciler(world)
    for _ in range(12):
        await operator.reconcile(NAMESPACE, NAME)
        world.settle()
    for edit in range(3):
        world.objects[API]["spec"]["replicas"] = 7 + edit
        await operator.reconcile(NAMESPACE, NAME)
        assert world.objects[API]["spec"]["replicas"] == 3
    assert world.condition("Degraded").status == "False"


async def test_a_change_of_the_spec_is_applied_at_once() -> None:
    world = _world(API, _mirror)
    operator = reconciler(world)
    for _ in range(30):
        await operator.reconcile(NAMESPACE, NAME)
        world.settle()
    world.edit_spec(api={"replicas": 5})
    await operator.reconcile(NAMESPACE, NAME)
    assert world.objects[API]["spec"]["replicas"] == 5
