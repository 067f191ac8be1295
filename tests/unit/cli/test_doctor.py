"""What doctor finds: the cause first, then the command."""

from __future__ import annotations

from typing import Any

import pytest

from ragwright_cli.pipeline import read_pipeline
from ragwright_cli.reading import diagnosis
from ragwright_cli.reading.pods import find_stuck
from ragwright_core.spec import KIND
from tests.kit.argocd import SCENES
from tests.kit.kube_api import OPERATOR
from tests.kit.operator_world import NAME


def deployment(watches: str = "", available: int = 1) -> dict[str, Any]:
    env = [{"name": "RAGWRIGHT_WATCH_NAMESPACES", "value": watches}]
    return {
        **OPERATOR,
        "spec": {"template": {"spec": {"containers": [{"name": "operator", "env": env}]}}},
        "status": {"availableReplicas": available} if available else {},
    }


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        ([], "wrong", "no operator is installed"),
        ([deployment()], "ok", "ragwright-system/ragwright-operator runs"),
        ([deployment("team,other")], "ok", "runs"),
        ([deployment("other")], "wrong", "no operator watches namespace team"),
        ([deployment(available=0)], "wrong", "has no ready pod"),
        ([deployment("other"), deployment("team")], "ok", "runs"),
    ],
)
def test_an_operator_must_run_and_watch(
    found: list[dict[str, Any]], state: str, words: str
) -> None:
    check = diagnosis.operator(found, "team")
    assert check.state == state
    assert words in check.what
    assert bool(check.command) == (state == "wrong")


def test_the_operator_is_looked_for_by_the_labels_of_the_chart() -> None:
    with open("charts/ragwright/templates/_helpers.tpl") as file:
        helpers = file.read()
    for label in diagnosis.OPERATOR_LABELS.split(","):
        assert label.replace("=", ": ") in helpers


def pod(name: str = "docs-api-1", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "team"}, "status": status}


def container(**state: Any) -> dict[str, Any]:
    return {"name": "api", **state}


STUCK = [
    (
        pod(conditions=[{"type": "PodScheduled", "reason": "Unschedulable", "message": "no room"}]),
        ("Unschedulable", "no room", "kubectl -n team describe pod docs-api-1"),
    ),
    (
        pod(
            containerStatuses=[
                container(state={"waiting": {"reason": "ImagePullBackOff", "message": "no image"}})
            ]
        ),
        ("ImagePullBackOff", "no image", "kubectl -n team describe pod docs-api-1"),
    ),
    (
        pod(
            initContainerStatuses=[
                container(
                    state={"waiting": {"reason": "CrashLoopBackOff"}},
                    lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                )
            ]
        ),
        (
            "CrashLoopBackOff",
            "137 (OOMKilled)",
            "kubectl -n team logs docs-api-1 -c api --previous",
        ),
    ),
]


@pytest.mark.parametrize(
    ("item", "told"), STUCK, ids=lambda item: item[0] if isinstance(item, tuple) else ""
)
def test_a_stuck_pod_is_told_with_its_command(
    item: dict[str, Any], told: tuple[str, str, str]
) -> None:
    [found] = find_stuck([item])
    assert (found.reason, found.command) == (told[0], told[2])
    assert told[1] in found.cause


@pytest.mark.parametrize(
    "item",
    [
        pod(containerStatuses=[container(state={"running": {}})]),
        pod(containerStatuses=[container(state={"waiting": {"reason": "ContainerCreating"}})]),
        pod(phase="Succeeded", containerStatuses=[container(state={"waiting": {"reason": "x"}})]),
        pod(),
    ],
)
def test_a_pod_that_runs_starts_or_has_ended_is_not_told(item: dict[str, Any]) -> None:
    assert list(find_stuck([item])) == []


async def test_a_pod_that_a_condition_names_is_not_told_again() -> None:
    world = await SCENES["no_api_pod"]()
    raw = world.objects[KIND, NAME]
    stuck = [pod("api-7", containerStatuses=[container(state={"waiting": {"reason": "Bad"}})])]
    told = [check.what for check in diagnosis.pipeline(read_pipeline(raw), stuck)]
    assert any("pod api-7" in what for what in told)
    for condition in raw["status"]["conditions"]:
        if condition["type"] == "Ready":
            condition["message"] = "pod api-7 cannot start"
    told = [check.what for check in diagnosis.pipeline(read_pipeline(raw), stuck)]
    assert len([what for what in told if "api-7" in what]) == 1


async def test_each_way_of_being_well_has_its_words() -> None:
    async def told(name: str) -> str:
        world = await SCENES[name]()
        [check] = diagnosis.pipeline(read_pipeline(world.objects[KIND, NAME]), [])
        assert check.state == "ok"
        return check.what

    assert "answers from version 2" in await told("healthy")
    assert "is being made" in await told("first_build")


async def test_an_operator_that_does_not_look_is_told() -> None:
    world = await SCENES["generation_behind"]()
    [check, *_] = diagnosis.pipeline(read_pipeline(world.objects[KIND, NAME]), [])
    assert check.state == "wrong"
    assert "has not looked at generation 2" in check.what
