"""Rows 9 and 10: people change things while the operator works."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dev.kubectl import until
from ragwright_core.spec import RagPipelineSpec, shape_fingerprint
from tests.kit.faults.stage import Stage
from tests.kit.faults.table import Record


@pytest.mark.row(9, "spec changed during the build, twice")
def test_spec_changed_during_the_build(stage: Stage, record: Record) -> None:
    """The latest wins; what was begun before is stopped, cleaned away and never swapped in."""
    with stage.row(record, builds=None) as seen:
        term, swaps = seen.term(), len(stage.history("swapped"))
        live = stage.ask_for(stage.revision + 1)
        first = until(stage.jobs, 30, "the load Job", pause=0.1)
        stage.patch(chunking={"maxCharacters": 1300 + stage.revision})
        until(lambda: set(stage.jobs()) - set(first), 30, "the Job of the next spec", pause=0.1)
        stage.patch(chunking={"maxCharacters": 1500 + stage.revision})
        spec = RagPipelineSpec.model_validate(stage.get()["spec"])
        stage.space.until(
            stage.name,
            lambda at: at.status["index"]["live"]["shape"] == shape_fingerprint(spec),
            "the last spec to be live",
        )
        stage.settle()
        record.exactly("swaps", seen.term() - term, 1)
        assert (stage.space.state(stage.name).live or 0) > live
        assert len(stage.history("swapped")) <= swaps + 1


@pytest.mark.row(10, "a child edited, one deleted")
def test_drift_is_mended(stage: Stage, record: Record) -> None:
    edit = json.dumps({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}})
    with stage.row(record, builds=0):
        stage.space("patch", "deploy", stage.names.redis, "--type=merge", "-p", edit)
        stage.space("delete", "service", stage.names.internal)
        until(lambda: stage.space.get("service", stage.names.internal), 60, "the Service")
        until(lambda: _grace(stage) != 7, 60, "the Deployment to be mended")
        stage.space("rollout", "status", f"deploy/{stage.names.redis}", "--timeout=60s")


@pytest.mark.row(10, "a foreign object of our name")
def test_a_foreign_object_is_left_alone(stage: Stage, record: Record) -> None:
    foreign: dict[str, Any] = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": stage.names.api, "labels": {"of": "someone-else"}},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"of": "someone-else"}}},
    }
    with stage.row(record, builds=0, allowed="step refused"):
        stage.operator.stop()
        stage.space("delete", "pdb", stage.names.api)
        stage.space.apply(foreign)
        stage.operator.start()
        told = stage.space.until_reason(stage.name, "NameTaken", 60)
        assert stage.names.api in told
        kept = stage.space.get("pdb", stage.names.api)
        assert kept is not None
        assert kept["spec"]["selector"] == foreign["spec"]["selector"]
        stage.space("delete", "pdb", stage.names.api)


def _grace(stage: Stage) -> int:
    found = stage.space.get("deploy", stage.names.redis)
    assert found is not None
    return int(found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])
