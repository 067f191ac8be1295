"""An operator that finds a status of the first builds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragwright_core.spec import KIND
from ragwright_core.status import PipelineStatus
from ragwright_operator.memory.carried import carried
from tests.kit.operator import apply, pipeline, rounds
from tests.kit.operator_world import NAME

OLD_FILE = Path(__file__).parents[1] / "written_by" / "9dc460f" / "status.json"
OLD: dict[str, Any] = json.loads(OLD_FILE.read_text())


def test_the_memory_of_an_old_status_is_read_whole() -> None:
    memory = PipelineStatus.model_validate(carried(OLD)).operator
    assert memory.build is not None
    assert (memory.build.request, memory.build.failure) == (OLD["build"]["request"], "GateFailed")
    assert memory.swap is not None
    assert (memory.swap.request, memory.swap.cause) == (OLD["swap"]["request"], "Approved")
    assert [version.number for version in memory.kept] == [3, 2, 1]
    assert memory.kept[0].secret_key_ref is not None
    assert memory.kept[0].secret_key_ref.name == "models"
    assert memory.recreated.redis is not None


def test_a_memory_that_stands_in_its_place_is_not_touched() -> None:
    status = {**OLD, "operator": {"build": {"request": "newer"}}}
    assert carried(status) == status
    assert carried({"url": "x"}) == {"url": "x"}


async def test_an_upgrade_of_the_operator_builds_nothing() -> None:
    world = apply(pipeline())
    await rounds(world)
    jobs = [place for place in world.created if place[0] == "Job"]
    status = world.objects[KIND, NAME]["status"]
    memory = status.pop("operator")
    status |= memory
    await rounds(world)
    assert [place for place in world.created if place[0] == "Job"] == jobs
    assert world.condition("Reindexing").reason == "Idle"
