"""`python -m tests.kit.argocd` writes what Argo CD's tests of a RagPipeline look at, pipelines as
the operator leaves them, and the values of Argo CD's chart. A test holds both."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ragwright_core.report import Problem, Reason
from ragwright_core.spec import GROUP, KIND, REINDEX_ANNOTATION
from ragwright_operator.effects.kube import KubeError
from tests.kit.operator import apply, one_round, pod_of_api, rounds, two_versions
from tests.kit.operator_world import NAME, World

ROOT = Path(__file__).parents[2]
CUSTOMIZATION = ROOT / "examples/gitops/argocd/resource_customizations/ragwright.dev/RagPipeline"
DATA = CUSTOMIZATION / "testdata"
VALUES = ROOT / "examples/gitops/argocd/values.yaml"
KIND_KEY = f"{GROUP}_{KIND}"
CHANGED = {"chunking": {"maxCharacters": 500}}


async def just_applied() -> World:
    return apply()


async def first_build() -> World:
    world = apply()
    world.running = {"load"}
    return await looked_at(world)


async def healthy() -> World:
    return await two_versions()


async def routine_build() -> World:
    world = await two_versions()
    world.running = {"load"}
    world.annotate(REINDEX_ANNOTATION, "once more")
    return await looked_at(world)


async def pinned() -> World:
    world = await two_versions()
    world.edit_spec(reindex={"keep": 1, "pin": 1})
    await rounds(world)
    return world


async def generation_behind() -> World:
    world = await two_versions()
    world.edit_spec(**CHANGED)
    return world


async def suspended() -> World:
    world = await two_versions()
    world.edit_spec(suspend=True, **CHANGED)
    return await looked_at(world)


async def approval_waited_for() -> World:
    world = await two_versions()
    world.edit_spec(reindex={"keep": 1, "approval": "Manual"}, **CHANGED)
    await rounds(world)
    return world


async def gates_failed() -> World:
    world = await two_versions()
    world.failed_gates = ("goldenQuestions", "maxShrink")
    world.annotate(REINDEX_ANNOTATION, "once more")
    await rounds(world)
    return world


async def first_build_retried() -> World:
    return await failing(apply(), Reason.SOURCE_UNREACHABLE, "git does not answer")


async def first_build_stalled() -> World:
    return await failing(apply(), Reason.SOURCE_NOT_FOUND, "there is no branch main")


async def build_retried_while_answering() -> World:
    world = await two_versions()
    world.annotate(REINDEX_ANNOTATION, "once more")
    return await failing(world, Reason.EMBEDDING_UNAVAILABLE, "the endpoint does not answer")


async def refused() -> World:
    world = apply()
    world.refuse["Service", "docs-api"] = KubeError(422, "Invalid", "no Services here")
    return await looked_at(world)


async def unreadable_spec() -> World:
    world = await two_versions()
    world.edit_spec(chunking={"maxCharacters": "many"})
    return await looked_at(world)


async def no_api_pod() -> World:
    world = await two_versions()
    world.podless = {"api"}
    return await looked_at(world)


async def failing(world: World, reason: Reason, words: str) -> World:
    world.problems["load"] = Problem(reason=reason, message=words)
    return await looked_at(world)


async def looked_at(world: World) -> World:
    """Some rounds, at the end of which work may still be under way."""
    if not world.names("Pod"):
        pod_of_api(world)
    for _ in range(8):
        await one_round(world)
        world.settle()
    return world


SCENES: Mapping[str, Callable[[], Awaitable[World]]] = {
    scene.__name__: scene
    for scene in (
        just_applied,
        first_build,
        healthy,
        routine_build,
        pinned,
        generation_behind,
        suspended,
        approval_waited_for,
        gates_failed,
        first_build_retried,
        first_build_stalled,
        build_retried_while_answering,
        refused,
        unreadable_spec,
        no_api_pod,
    )
}


def shown(world: World) -> dict[str, Any]:
    """The pipeline as a file of testdata holds it, without what the operator keeps for itself."""
    found = dict(world.objects[KIND, NAME])
    if "status" in found:
        ours = ("history", "judged", "operator")
        found["status"] = {k: value for k, value in found["status"].items() if k not in ours}
    return found


async def written() -> dict[str, str]:
    """All files of testdata, by their names."""
    return {
        f"{name}.yaml": yaml.safe_dump(shown(await scene()), sort_keys=True)
        for name, scene in SCENES.items()
    }


def values() -> str:
    """Values of the chart argo-cd that hold the scripts; `configs.cm` is ConfigMap argocd-cm."""
    scripts = CUSTOMIZATION / "actions"
    definitions = [
        {"name": path.parent.name, "action.lua": path.read_text()}
        for path in sorted(scripts.glob("*/action.lua"))
    ]
    discovery = (scripts / "discovery.lua").read_text()
    actions = {"discovery.lua": discovery, "definitions": definitions}
    key = "resource.customizations"
    cm = {
        f"{key}.health.{KIND_KEY}": (CUSTOMIZATION / "health.lua").read_text(),
        f"{key}.actions.{KIND_KEY}": yaml.dump(actions, Dumper=Blocks, sort_keys=False),
    }
    return yaml.dump({"configs": {"cm": cm}}, Dumper=Blocks, sort_keys=False)


class Blocks(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as people do."""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Blocks.add_representer(str, _block)


def main() -> None:
    for name, text in asyncio.run(written()).items():
        (DATA / name).write_text(text)
    VALUES.write_text(values())
    sys.stdout.write(f"wrote {DATA} and {VALUES}\n")


if __name__ == "__main__":
    main()
