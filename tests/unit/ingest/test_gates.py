"""Each gate trips at its limit, and says with numbers why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragwright_core.spec import Gates
from ragwright_ingest.gates.rules import Measured, failure, of_content

GOOD = Measured(documents=200, failed=2, chunks=80, wrong_dimensions=0, broken_vectors=0)


def _failed(measured: Measured, live_chunks: int | None = 100) -> list[str]:
    return [item.gate for item in of_content(measured, live_chunks, Gates()) if not item.ok]


def test_all_hold_exactly_at_the_limits() -> None:
    found = of_content(GOOD, 100, Gates())

    assert len(found) == 5
    assert failure(found) is None


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        ({"chunks": 79}, "maxShrink"),
        ({"failed": 3}, "maxFailedDocuments"),
        ({"wrong_dimensions": 1}, "dimensions"),
        ({"broken_vectors": 1}, "vectors"),
    ],
)
def test_each_trips_alone(change: dict[str, int], gate: str) -> None:
    assert _failed(replace(GOOD, **change)) == [gate]


def test_nothing_can_shrink_before_the_first_swap() -> None:
    assert _failed(replace(GOOD, chunks=1), live_chunks=None) == []
    assert _failed(replace(GOOD, chunks=0), live_chunks=None) == ["chunks"]


def test_growth_is_no_shrink() -> None:
    assert _failed(replace(GOOD, chunks=10_000)) == []


def test_the_message_holds_the_numbers_and_what_to_do() -> None:
    message = failure(of_content(replace(GOOD, chunks=50), 100, Gates()))

    assert message is not None
    assert "at most 20 % fewer chunks" in message
    assert "50.0 % fewer (100 -> 50)" in message
    assert message.endswith("ask again")
