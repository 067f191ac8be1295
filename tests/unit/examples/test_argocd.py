"""What Argo CD shows of a RagPipeline, by the files that its own repository would hold: run as
Argo CD's tests run them, and fed with what the operator writes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime, lua_type

from ragwright_core.spec import APPROVE_ANNOTATION, REINDEX_ANNOTATION
from ragwright_operator.wanted.approval import approved
from tests.kit.argocd import CUSTOMIZATION, DATA, SCENES, VALUES, values, written

HEALTH = yaml.safe_load((CUSTOMIZATION / "health_test.yaml").read_text())["tests"]
ACTIONS = yaml.safe_load((CUSTOMIZATION / "actions" / "action_test.yaml").read_text())


def run(script: Path, obj: Mapping[str, Any]) -> Any:
    """Run a script of Argo CD on an object, which it may change."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals()["obj"] = lua.table_from(dict(obj), recursive=True)
    return plain(lua.execute(script.read_text()))


def plain(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    items = {key: plain(item) for key, item in value.items()}
    if items and all(isinstance(key, int) for key in items):
        return [items[key] for key in sorted(items)]
    return items


def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


async def test_what_is_looked_at_is_what_the_operator_writes() -> None:
    files = {path.name: path.read_text() for path in DATA.glob("*.yaml")}
    expected = {name: text for name, text in files.items() if "_after_" not in name}
    assert await written() == expected, "if meant: python -m tests.kit.argocd"


def test_the_values_hold_the_scripts() -> None:
    assert VALUES.read_text() == values(), "if meant: python -m tests.kit.argocd"
    [health, actions] = yaml.safe_load(VALUES.read_text())["configs"]["cm"].values()
    assert health == (CUSTOMIZATION / "health.lua").read_text()
    definitions = yaml.safe_load(actions)["definitions"]
    assert len(definitions) == 6
    for action in definitions:
        script = CUSTOMIZATION / "actions" / action["name"] / "action.lua"
        assert action["action.lua"] == script.read_text()


@pytest.mark.parametrize("test", HEALTH, ids=lambda test: Path(test["inputPath"]).stem)
def test_health(test: dict[str, Any]) -> None:
    found = run(CUSTOMIZATION / "health.lua", read(CUSTOMIZATION / test["inputPath"]))
    assert found == test["healthStatus"]


def test_every_scene_has_a_health() -> None:
    assert sorted(Path(test["inputPath"]).stem for test in HEALTH) == sorted(SCENES)


@pytest.mark.parametrize("suspend", [True, False, None])
@pytest.mark.parametrize("seen", [None, 1, 2])
def test_every_set_of_conditions_has_a_health(suspend: bool | None, seen: int | None) -> None:
    for ready, stalled, degraded in itertools.product(("True", "False", None), repeat=3):
        for waits in (True, False):
            told = {"Ready": ready, "Stalled": stalled, "Degraded": degraded, "Reindexing": "False"}
            reason = "AwaitingApproval" if waits else "Idle"
            conditions = [
                {"type": kind, "status": status, "message": kind, "reason": reason}
                for kind, status in told.items()
                if status
            ]
            status = {"observedGeneration": seen, "conditions": conditions} if seen else {}
            obj = {"metadata": {"generation": 2}, "spec": {"suspend": suspend}, "status": status}
            paused = suspend or (seen and waits and degraded != "True")
            waited = seen != 2 or (ready != "True" and stalled != "True")
            wrong = stalled == "True" or degraded == "True"
            found = run(CUSTOMIZATION / "health.lua", obj)["status"]
            assert found == (
                "Suspended"
                if paused
                else "Progressing"
                if waited
                else "Degraded"
                if wrong
                else "Healthy"
            ), obj


@pytest.mark.parametrize(
    "test", ACTIONS["discoveryTests"], ids=lambda test: Path(test["inputPath"]).stem
)
def test_which_actions_there_are(test: dict[str, Any]) -> None:
    scripts = CUSTOMIZATION / "actions"
    found = run(scripts / "discovery.lua", read(scripts / test["inputPath"]))
    assert found.keys() == {path.name for path in scripts.iterdir() if path.is_dir()}
    allowed = [name for name, action in found.items() if not action.get("disabled")]
    assert sorted(allowed) == sorted(
        action["name"] for action in test["result"] if not action.get("disabled")
    )
    assert found.keys() == {action["name"] for action in test["result"]}


@pytest.mark.parametrize("test", ACTIONS["actionTests"], ids=lambda test: str(test["action"]))
def test_actions(test: dict[str, Any]) -> None:
    scripts = CUSTOMIZATION / "actions"
    found = run(scripts / test["action"] / "action.lua", read(scripts / test["inputPath"]))
    wanted = read(scripts / test["expectedOutputPath"])
    if test["action"] == "reindex":  # the moment of the test
        moment = found["metadata"]["annotations"][REINDEX_ANNOTATION]
        wanted["metadata"]["annotations"][REINDEX_ANNOTATION] = moment
    assert found == wanted


def test_what_is_approved_is_what_the_operator_reads() -> None:
    found = run(CUSTOMIZATION / "actions/approve/action.lua", read(DATA / "gates_failed.yaml"))
    approval = approved(found["metadata"]["annotations"][APPROVE_ANNOTATION])
    assert approval is not None
    assert (approval.number, approval.override) == (3, ("goldenQuestions", "maxShrink"))
