"""What answers cost and what is saved: kept with the answer, added up, and by version."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from ragwright_api.caching.codec import ANSWER_MARK, Stored, decode_answer, encode_answer
from ragwright_api.telemetry.lasting import SETTLE_SECONDS, LastingSums
from ragwright_api.telemetry.ledger import FREE, Cost, Ledger
from ragwright_api.telemetry.lookups import VERSIONS, Lookups
from ragwright_core.names import Identity

IDENTITY = Identity(namespace="n", name="p", uid="u", cluster="c")
BODY = rb'{"answer":"two\nlines","sources":["a.md#L1-L2"]}'
MARKED = b"\n" + ANSWER_MARK.encode()
COST = Cost(llm_calls=1, prompt_tokens=800, completion_tokens=44, embeddings=1)


def samples(collector: Any) -> dict[tuple[str, ...], float]:
    """Value by metric and the labels that are not the pipeline's."""
    registry = CollectorRegistry()
    registry.register(collector)
    own = ("namespace", "pipeline")
    return {
        (item.name, *(value for name, value in item.labels.items() if name not in own)): item.value
        for family in registry.collect()
        for item in family.samples
    }


@pytest.mark.parametrize("cost", [COST, FREE])
def test_what_an_answer_cost_is_kept_beside_it_and_never_sent(cost: Cost) -> None:
    stored = Stored(BODY, cost)
    assert decode_answer(encode_answer(stored)) == stored
    sent = stored.sent(0.0123, from_cache=True)
    assert json.loads(sent) == {
        **json.loads(BODY),
        "from_cache": True,
        "latency_ms": 12.3,
    }


def test_an_answer_that_cost_nothing_is_its_body_alone() -> None:
    assert encode_answer(Stored(BODY)) == BODY


def test_a_program_of_before_takes_an_answer_with_a_cost_for_none() -> None:
    """While replicas of two releases share a Redis, an old one must not splice into the second
    line: it takes for an answer what ends with a brace."""
    assert not encode_answer(Stored(BODY, COST)).endswith(b"}")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PONG",
        b'{"answer":"cut o',
        BODY + b"\n[1,2,3,4]",
        BODY + b"\n00000000[1,2,3,4]",
        BODY + MARKED + b"not json",
        BODY + MARKED + b"[1,2]x",
        BODY + MARKED + b"[1,2,3,4,5]",
        BODY + MARKED + b'[1,"2",3,4]',
        BODY + MARKED + b"17",
        b'[1,"answer"]' + MARKED + b"[1,2,3,4]",
    ],
)
def test_what_is_no_answer_is_a_miss(raw: bytes) -> None:
    assert decode_answer(raw) is None


def test_a_ledger_tells_what_was_made_and_what_was_saved() -> None:
    ledger = Ledger(IDENTITY)
    ledger.made.add(COST)
    ledger.saved.add(COST)
    ledger.saved.add(COST)
    assert samples(ledger) == {
        ("ragwright_llm_calls_total",): 1,
        ("ragwright_llm_calls_saved_total",): 2,
        ("ragwright_llm_tokens_total", "prompt"): 800,
        ("ragwright_llm_tokens_total", "completion"): 44,
        ("ragwright_llm_tokens_saved_total", "prompt"): 1600,
        ("ragwright_llm_tokens_saved_total", "completion"): 88,
        ("ragwright_embeddings_total",): 1,
        ("ragwright_embeddings_saved_total",): 2,
    }


def test_the_series_of_old_versions_go() -> None:
    lookups = Lookups(IDENTITY)
    for version in range(1, 21):
        lookups.of(version).misses += 1
        lookups.of(version).hits += 2
    told = samples(lookups)
    assert len(told) == 2 * VERSIONS
    for kept in ("18", "19", "20"):
        assert told["ragwright_cache_hits_total", kept] == 2
        assert told["ragwright_cache_misses_total", kept] == 1


class Sums:
    """Stands in for the database."""

    def __init__(self) -> None:
        self.is_there = True
        self.made = self.saved = 0
        self.writes = 0

    async def add(self, made: int, saved: int) -> bool:
        self.writes += 1
        if self.is_there:
            self.made += made
            self.saved += saved
        return self.is_there


async def test_what_could_not_be_written_is_written_later_and_once() -> None:
    ledger, sums = Ledger(IDENTITY), Sums()
    account = LastingSums(ledger, sums.add)
    await account.settle()
    assert sums.writes == 0
    ledger.made.add(COST)
    sums.is_there = False
    await account.settle()
    ledger.saved.add(COST)
    sums.is_there = True
    for _ in range(3):
        await account.settle()
    assert (sums.made, sums.saved, sums.writes) == (2, 2, 2)


async def test_it_settles_about_once_a_minute() -> None:
    ledger, sums, paused = Ledger(IDENTITY), Sums(), list[float]()

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        ledger.made.add(COST)
        if len(paused) > 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await LastingSums(ledger, sums.add, pause).keep()
    assert all(0.8 * SETTLE_SECONDS <= seconds <= 1.2 * SETTLE_SECONDS for seconds in paused)
    assert (sums.made, sums.writes) == (6, 3)
