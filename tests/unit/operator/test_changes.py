"""Why a build was made when the spec changed, in words."""

from __future__ import annotations

from typing import Any

import pytest

from ragwright_core.spec import KIND
from tests.kit.operator import apply, pipeline, rounds
from tests.kit.operator_world import NAME

ONE = {"name": "handbook", "configMap": {"name": "handbook"}}
OTHER = {"name": "wiki", "configMap": {"name": "wiki"}}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"chunking": {"maxCharacters": 500}}, "chunking.maxCharacters"),
        ({"retrieval": {"language": "german"}}, "retrieval.language"),
        ({"sources": [ONE, OTHER]}, "sources[wiki]"),
        ({"sources": [OTHER]}, "sources[wiki], sources[handbook]"),
        ({"sources": [{**ONE, "include": ["*.md"]}]}, "sources[handbook]"),
        (
            {
                "chunking": {"maxCharacters": 500, "overlapCharacters": 10},
                "embedding": {"provider": "openai", "model": "m", "baseUrl": "http://e",
                              "dimensions": 8},
            },
            "chunking.maxCharacters, chunking.overlapCharacters, embedding.provider and 3 more",
        ),
    ],
)  # fmt: skip
async def test_the_reason_of_a_build_names_what_differs(spec: dict[str, Any], why: str) -> None:
    world = apply(pipeline())
    await rounds(world)
    world.edit_spec(**spec)
    await rounds(world)
    assert world.status.history[0].why == f"the spec changed: {why}"


async def test_another_order_and_memory_without_parts_name_nothing() -> None:
    world = apply(pipeline(sources=[ONE, OTHER]))
    await rounds(world)
    world.edit_spec(sources=[OTHER, ONE])
    await rounds(world)
    assert world.status.history[0].why == "the spec changed"
    del world.objects[KIND, NAME]["status"]["operator"]["build"]["parts"]
    world.edit_spec(chunking={"maxCharacters": 500})
    await rounds(world)
    assert world.status.history[0].why == "the spec changed"
