"""Pauses between attempts."""

from __future__ import annotations

import itertools

from ragwright_operator.wanted.pauses import pause


def test_pauses_grow_up_to_ten_minutes_and_stay_the_same_for_the_same_attempt() -> None:
    seconds = [pause("r", attempt).total_seconds() for attempt in range(1, 12)]
    assert 8 <= seconds[0] <= 12
    assert all(480 <= pause_ <= 720 for pause_ in seconds[7:])
    for before, after in itertools.pairwise(seconds[:6]):
        assert after > 1.3 * before
    assert pause("r", 3) == pause("r", 3)


def test_pipelines_do_not_retry_in_step() -> None:
    assert len({pause(f"request {number}", 6) for number in range(50)}) > 20
