"""A push is built from soon, once, and never lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ragwright_core.contract import ORDER_FILE
from ragwright_core.orders import BuildOrder
from ragwright_core.spec import APPROVE_ANNOTATION, KIND
from tests.kit.operator import apply, live, loads, one_round, passed, pipeline, pod_of_api, rounds
from tests.kit.operator_world import NAME, World

HOOK = {"secretKeyRef": {"name": "push", "key": "secret"}}
GIT = {"name": "code", "git": {"url": "https://git.example/docs"}}
HOOKED = {**GIT, "webhook": HOOK}
MAP = {"name": "handbook", "configMap": {"name": "handbook"}}
UNPOLLED = {"pollInterval": "0"}
SECOND = timedelta(seconds=1)


async def built(*sources: dict[str, Any], **spec: Any) -> World:
    spec = {"reindex": UNPOLLED, **spec}
    world = apply(pipeline(sources=list(sources), **spec))
    world.documents = {"handbook": "1"}
    pod_of_api(world)
    await rounds(world)
    assert live(world) == 1
    return world


def last_order(world: World) -> BuildOrder:
    orders = [
        item
        for (kind, name), item in world.objects.items()
        if kind == "ConfigMap" and "-load-" in name
    ]
    return BuildOrder.read(orders[-1]["data"][ORDER_FILE.name])[0]


async def pushed(world: World) -> None:
    """A push whose load Job goes on."""
    world.running = {"load"}
    world.pushes["code"] = "a"
    await one_round(world)
    world.now += 3 * SECOND
    await one_round(world)


async def test_a_push_is_looked_at_after_a_pause_for_others_and_built_from_once() -> None:
    world = await built(HOOKED)
    world.pushes["code"] = "a"
    await one_round(world)
    waits = world.condition("Reindexing")
    assert (waits.status, waits.reason) == ("False", "Waiting")
    assert "documents changed: webhook of code; a build begins at" in waits.message
    await passed(world)
    assert (loads(world), live(world)) == (2, 2)
    assert world.status.history[0].why == "documents changed: webhook of code"
    await passed(world, 60)
    assert loads(world) == 2


async def test_a_push_that_changed_nothing_builds_nothing() -> None:
    world = await built(HOOKED)
    world.same_documents = True
    world.pushes["code"] = "a"
    await passed(world)
    assert (loads(world), live(world)) == (2, 1)
    assert world.status.history[0].outcome == "unchanged"


async def test_of_a_push_and_a_changed_config_map_one_build_is_made() -> None:
    world = await built(HOOKED, MAP)
    world.same_documents = True  # a look alone would build nothing
    world.pushes["code"] = "a"
    world.documents["handbook"] = "2"
    await passed(world)
    assert (loads(world), live(world)) == (2, 2)
    why = "documents changed: ConfigMap handbook; webhook of code"
    assert world.status.history[0].why == why


async def test_a_burst_is_one_build_and_one_that_does_not_end_is_built_from_every_minute() -> None:
    world = await built(HOOKED)
    for push in range(59):
        world.pushes["code"] = f"{push}"
        await one_round(world)
        world.now += SECOND
    assert loads(world) == 1
    world.pushes["code"] = "the last"
    world.now += SECOND
    await passed(world)
    await passed(world, 60)
    assert (loads(world), live(world)) == (2, 2)


async def test_what_is_pushed_while_a_build_runs_is_built_after_it() -> None:
    world = await built(HOOKED)
    await pushed(world)
    assert loads(world) == 2
    for push in ("b", "c"):
        world.pushes["code"] = push
        await one_round(world)
    world.running = set()
    await passed(world)
    await passed(world)
    assert (loads(world), live(world)) == (3, 3)


async def test_an_api_that_is_away_or_has_forgotten_is_no_push() -> None:
    world = await built(HOOKED)
    world.pushes["code"] = "a"
    await passed(world)
    world.api_answers = False
    await passed(world, 60)
    world.api_answers = True
    await passed(world, 60)
    world.pushes.clear()  # an old dump was loaded
    await passed(world, 60)
    assert loads(world) == 2


async def test_while_pinned_or_suspended_a_push_is_remembered_once() -> None:
    for before, after in (
        ({"reindex": {"pin": 1, **UNPOLLED}}, {"reindex": UNPOLLED}),
        ({"suspend": True}, {"suspend": False}),
    ):
        world = await built(HOOKED)
        world.edit_spec(**before)
        await rounds(world)
        for push in ("a", "b"):
            world.pushes["code"] = push
            await passed(world, 60)
        assert loads(world) == 1
        world.edit_spec(**after)
        await passed(world)
        assert (loads(world), live(world)) == (2, 2), before


async def test_with_manual_approval_it_is_built_and_waits() -> None:
    world = await built(HOOKED)
    world.edit_spec(reindex={"approval": "Manual", **UNPOLLED})
    world.pushes["code"] = "a"
    await passed(world)
    assert (loads(world), live(world)) == (2, 1)
    world.annotate(APPROVE_ANNOTATION, "2")
    await passed(world)
    assert live(world) == 2


async def test_a_push_may_be_the_cure_of_a_failed_build() -> None:
    world = await built(HOOKED)
    world.failed_gates = ("chunks",)
    world.pushes["code"] = "a"
    await passed(world)
    assert live(world) == 1
    world.failed_gates = ()
    world.pushes["code"] = "b"
    await passed(world)
    assert live(world) == 3


async def test_a_webhook_that_is_new_is_a_look_and_one_that_is_gone_is_nothing() -> None:
    world = await built(GIT)
    world.same_documents = True
    world.edit_spec(sources=[HOOKED])
    await passed(world)
    assert (loads(world), live(world)) == (2, 1)
    world.pushes["code"] = "a"
    world.edit_spec(sources=[GIT])
    await passed(world, 60)
    assert loads(world) == 2


async def test_a_job_does_not_learn_the_webhooks_secret() -> None:
    world = await built(HOOKED)
    await pushed(world)
    assert last_order(world).spec.sources[0].webhook is None
    deployment = world.objects["Deployment", f"{NAME}-api"]
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert "push" in [item["secret"]["secretName"] for item in volumes if "secret" in item]


async def test_the_status_shows_where_callers_outside_reach_the_api() -> None:
    world = await built(HOOKED, api={"externalURL": "https://rag.example.com"})
    assert world.status.url == "https://rag.example.com"
    assert world.condition("Ready").message.endswith("answered at https://rag.example.com")
    assert world.objects[KIND, NAME]["spec"]["api"] == {"externalURL": "https://rag.example.com"}
