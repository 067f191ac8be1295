"""What the operator believes of a reply on the internal port, and how much of it it reads."""

from __future__ import annotations

import tracemalloc

import aiohttp
import pytest

from ragwright_core.names import Identity
from ragwright_operator.effects.index import ask_at, is_of
from tests.kit.hostile.index import BEHAVIOURS, UID, Pieces, reply, serving, summary

PIPELINE = Identity(namespace="team", name="docs", uid=UID, cluster="c")


async def _is_believed(pieces: Pieces, elsewhere: list[str]) -> bool:
    async with (
        serving(iter([reply(summary(pipeline=UID))]), lambda: elsewhere.append("asked")) as other,
        serving(pieces(other), lambda: None) as pod,
        aiohttp.ClientSession() as session,
    ):
        said = await ask_at(session, pod)
        return said is not None and is_of(said, PIPELINE)


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_a_hostile_pod_is_taken_for_silence(name: str) -> None:
    elsewhere: list[str] = []
    tracemalloc.start()
    try:
        believed = await _is_believed(BEHAVIOURS[name], elsewhere)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not believed
    assert elsewhere == [], "nobody else is asked"
    assert most < 16 * 2**20, "the server's own pieces are of 1 MiB"


async def test_a_pod_of_the_pipeline_is_believed() -> None:
    assert await _is_believed(lambda _: iter([reply(summary(pipeline=UID))]), [])
