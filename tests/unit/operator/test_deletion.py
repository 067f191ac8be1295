"""The end of a pipeline."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ragwright_core.orders import CleanupOrder
from ragwright_core.spec import KIND
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.running.delete import DeletionWaits, delete
from tests.kit.operator import apply, one_round, pipeline, reconciler, rounds
from tests.kit.operator_world import NAME, UID, Killed, World

EXTERNAL: dict[str, Any] = {"database": {"secretKeyRef": {"name": "cnpg"}}}
SECOND = timedelta(seconds=1)


async def _delete(world: World, waited: timedelta = SECOND) -> None:
    await delete(reconciler(world), world.objects[KIND, NAME], waited)


async def _built(**spec: Any) -> World:
    world = apply(pipeline(**spec))
    await rounds(world)
    return world


def orders(world: World) -> list[str]:
    return [name for name in world.names("ConfigMap") if name.startswith("docs-cleanup-")]


@pytest.mark.parametrize("spec", [{}, EXTERNAL])
async def test_retain_does_nothing(spec: dict[str, Any]) -> None:
    world = await _built(**spec)
    before = world.shape()
    await _delete(world)
    assert world.shape() == before
    assert ("Retained" in world.events()) is (spec == {}), "an external database keeps no volume"


async def test_managed_servers_go_by_their_owners() -> None:
    world = await _built(deletionPolicy="Delete")
    claim = world.objects["PersistentVolumeClaim", "docs-postgres"]
    assert claim["metadata"]["ownerReferences"][0]["uid"] == UID
    await _delete(world)
    assert "docs-cleanup" not in world.names("Job")


async def test_a_volume_whose_owner_is_not_written_yet_goes_all_the_same() -> None:
    world = await _built()
    world.edit_spec(deletionPolicy="Delete")
    await _delete(world)
    assert ("PersistentVolumeClaim", "docs-postgres") in world.deleted
    assert not [name for name in world.names("Secret") if name.startswith("docs-postgres")]


async def test_an_external_database_is_cleaned_before_the_pipeline_goes() -> None:
    world = await _built(**EXTERNAL, deletionPolicy="Delete")
    with pytest.raises(DeletionWaits):
        await _delete(world)
    assert ("Deployment", "docs-api") in world.deleted, "it would write the cache again"
    container = world.objects["Job", "docs-cleanup"]["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["ragwright-ingest", "cleanup"]
    [order] = orders(world)
    text = world.objects["ConfigMap", order]["data"]["order.json"]
    assert CleanupOrder.model_validate_json(text).pipeline.uid == UID
    with pytest.raises(DeletionWaits):
        await _delete(world)
    assert world.created.count(("Job", "docs-cleanup")) == 1
    world.settle()
    await _delete(world)


async def test_the_order_of_a_cleanup_goes_with_its_job() -> None:
    """No pipeline is left to own it, and no operator to delete it."""
    world = await _built(**EXTERNAL, deletionPolicy="Delete")
    with pytest.raises(DeletionWaits):
        await _delete(world)
    assert len(orders(world)) == 1
    world.remove("Job", "docs-cleanup")  # its TTL
    assert orders(world) == []


async def test_killed_between_a_cleanup_and_its_order_it_gets_one() -> None:
    world = await _built(**EXTERNAL, deletionPolicy="Delete")
    world.dies_before = ("ConfigMap", "docs-cleanup-")
    with pytest.raises(Killed):
        await _delete(world)
    assert world.names("Job") == ["docs-cleanup"]
    assert orders(world) == []
    for _ in range(2):
        with pytest.raises(DeletionWaits):
            await _delete(world)
    assert len(orders(world)) == 1
    assert world.created.count(("Job", "docs-cleanup")) == 1


async def test_builds_stop_before_the_cleanup() -> None:
    world = apply(pipeline(**EXTERNAL, deletionPolicy="Delete"))
    await one_round(world)
    [load] = world.names("Job")
    labels = world.objects["Job", load]["metadata"]["labels"]
    with pytest.raises(DeletionWaits):
        await _delete(world)
    assert ("Job", load) in world.deleted
    # Its pod has some seconds to end, and could make the schema again meanwhile.
    world.add_pod("loading", labels, job=load)
    for seconds, jobs in ((2, []), (19, []), (20, ["docs-cleanup"])):
        with pytest.raises(DeletionWaits):
            await _delete(world, timedelta(seconds=seconds))
        assert world.names("Job") == jobs


async def test_the_cleanup_begins_when_the_last_pod_of_a_build_has_ended() -> None:
    world = apply(pipeline(**EXTERNAL, deletionPolicy="Delete"))
    await one_round(world)
    [load] = world.names("Job")
    labels = world.objects["Job", load]["metadata"]["labels"]
    world.remove("Job", load)
    world.add_pod("loading", labels, job=load)
    with pytest.raises(DeletionWaits):
        await _delete(world)
    world.add_pod("loading", labels, job=load, phase="Failed")
    with pytest.raises(DeletionWaits):
        await _delete(world)
    assert world.names("Job") == ["docs-cleanup"]


async def test_a_cleanup_that_does_not_end_is_let_go_with_an_event() -> None:
    world = await _built(**EXTERNAL, deletionPolicy="Delete")
    world.running.add("cleanup")
    with pytest.raises(DeletionWaits):
        await _delete(world, timedelta(seconds=44))
    await _delete(world, timedelta(seconds=46))
    assert "CleanupUnfinished" in world.events()


async def test_a_namespace_that_goes_lets_go_at_once() -> None:
    world = await _built(**EXTERNAL, deletionPolicy="Delete")
    world.refuse["Job", "docs-cleanup"] = KubeError(403, "Forbidden", "it is being terminated")
    await _delete(world)
    [event] = [item for item in world.objects.values() if item["kind"] == "Event" and
               item["reason"] == "CleanupUnfinished"]  # fmt: skip
    assert "it is being terminated" in event["message"]


async def test_a_cleanup_of_an_earlier_pipeline_is_not_ours() -> None:
    world = await _built(**EXTERNAL, deletionPolicy="Delete")
    with pytest.raises(DeletionWaits):
        await _delete(world)
    world.settle()
    labels = world.objects["Job", "docs-cleanup"]["metadata"]["labels"]
    labels["ragwright.dev/uid"] = "an-earlier-one"
    with pytest.raises(DeletionWaits):
        await _delete(world)
    assert ("Job", "docs-cleanup") in world.deleted


async def test_builds_wait_for_a_cleanup_that_still_runs() -> None:
    world = await _built(**EXTERNAL, deletionPolicy="Delete")
    with pytest.raises(DeletionWaits):
        await _delete(world)
    cleanup = world.objects["Job", "docs-cleanup"]
    again = apply(pipeline(**EXTERNAL))
    again.objects["Job", "docs-cleanup"] = cleanup
    await one_round(again)
    assert again.names("Job") == ["docs-cleanup"]
    assert "still cleans up" in again.condition("Reindexing").message


async def test_a_spec_that_cannot_be_read_keeps_nobody() -> None:
    world = await _built()
    world.edit_spec(sources=[])
    await _delete(world)
