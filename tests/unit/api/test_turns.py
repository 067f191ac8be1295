"""How long an answer of another replica is waited for."""

from __future__ import annotations

from typing import Any

import pytest

from ragwright_api.caching.turns import WAIT_SECONDS, Turns
from ragwright_api.wiring import longest_wait
from ragwright_core.contract import llm_seconds
from ragwright_core.spec import Llm


class Taken:
    """A cache in which another replica has every turn, and what time it is there. Each call takes
    so many seconds."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.now = 0.0
        self.seconds = seconds

    async def take_turn(self, *_: Any) -> bool:
        self.now += self.seconds
        return False

    async def pause(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> float:
        return self.now


async def waited(taken: Taken, wait_seconds: float) -> float:
    """The seconds until a replica computes by itself."""
    began: list[float] = []

    async def compute() -> str:
        began.append(taken.now)
        return "our own"

    async def store(_: str) -> None:
        pass

    cache: Any = taken
    turns = Turns(cache, wait_seconds=wait_seconds, pause=taken.pause, clock=taken.clock)
    assert await turns.run("key", compute, store) == "our own"
    await turns.close()
    return began[0]


@pytest.mark.parametrize("seconds", [1, 20, 300])
async def test_a_replica_waits_as_long_as_the_other_may_take(seconds: int) -> None:
    llm = Llm(provider="openai", base_url="http://h/v1", model="m", timeout_seconds=seconds)
    assert await waited(Taken(), longest_wait(llm)) >= llm_seconds(seconds)


async def test_the_wait_holds_the_calls_about_the_turn() -> None:
    """With Redis at 0.4 s a call, a limit of 2 s had taken 8.3 s."""
    assert 2.0 <= await waited(Taken(seconds=0.4), 2.0) < 2.0 + 0.4 + 0.25


def test_without_a_language_model_nothing_takes_longer() -> None:
    assert longest_wait(Llm()) == WAIT_SECONDS
