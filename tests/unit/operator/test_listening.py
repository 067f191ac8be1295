"""Waiting for webhooks: a pipeline is woken once for each change, whatever its API does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from ragwright_core.names import PipelineName
from ragwright_operator.effects.index import hear_at
from ragwright_operator.running.listening import LONGEST_PAUSE, SHORTEST_PAUSE, Listening
from tests.kit.hostile.index import BEHAVIOURS, UID, reply, serving, summary

DOCS = PipelineName("team", "docs")


class Api:
    """Says these tags, one after the other, and then nothing more."""

    def __init__(self, *tags: str | None) -> None:
        self.tags: Iterator[str | None] = iter(tags)
        self.asked: list[str] = []
        self.woken: list[tuple[str, str]] = []
        self.pauses: list[float] = []
        self.silent = asyncio.Event()

    async def hear(self, pipeline: PipelineName, after: str) -> str | None:
        assert pipeline == DOCS
        self.asked.append(after)
        for tag in self.tags:
            return tag
        self.silent.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def listening(self) -> Listening:
        return Listening(self.hear, lambda *place: self.woken.append(place), self.pause)


async def test_it_wakes_once_for_each_change() -> None:
    api = Api("a", "a", "b", "a")
    listening = api.listening()
    for _ in range(3):
        listening.listen(DOCS, True)
    await api.silent.wait()
    # At first too: a push may have come between the last round and the first question.
    assert api.woken == [("team", "docs")] * 3
    assert api.asked == ["", "a", "a", "b", "a"]
    assert all(0.8 <= pause / SHORTEST_PAUSE <= 1.2 for pause in api.pauses)
    await listening.close()


async def test_an_api_that_is_away_is_asked_ever_less_often() -> None:
    api = Api(*[None] * 20, "a")
    listening = api.listening()
    listening.listen(DOCS, True)
    await api.silent.wait()
    assert api.pauses[0] < 3
    assert api.pauses[19] > 0.8 * LONGEST_PAUSE
    assert max(api.pauses) <= 1.2 * LONGEST_PAUSE
    assert api.woken == [("team", "docs")]
    await listening.close()


async def test_without_webhooks_nobody_is_asked() -> None:
    api = Api()
    listening = api.listening()
    listening.listen(DOCS, False)
    listening.listen(DOCS, True)
    await api.silent.wait()
    listening.listen(DOCS, False)
    await asyncio.sleep(0)
    assert listening._tasks == {}
    await listening.close()


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_a_hostile_pod_ends_no_listening(name: str) -> None:
    async with (
        serving(iter([reply(summary(pipeline=UID))]), lambda: None) as other,
        serving(BEHAVIOURS[name](other), lambda: None) as pod,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
    ):
        heard = await asyncio.wait_for(hear_at(session, pod, "a"), 90)
    assert heard is None or len(heard) <= 64
