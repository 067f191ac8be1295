"""The judge of the demo and the benchmarks: what it calls failed, mixed and stale."""

from __future__ import annotations

import pytest

from dev.demo.judge import Reply, Tally, revisions, stamp, verdict


def reply(answer: str, *, status: int = 200, seconds: float = 0.1, reported: int = 0) -> Reply:
    return Reply(status=status, seconds=seconds, answer=answer, reported=reported)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (reply("So it is [r2]."), "ok"),
        (reply("So it is [r1].", reported=1), "ok"),
        (reply("So it is [r1].", reported=2), "stale"),
        (reply("So [r1]. Thus [r2].", reported=1), "mixed"),
        (reply("", status=503), "failed"),
        (reply("So it is [r2].", seconds=5.1), "failed"),
        (reply("Nothing was found."), "unmarked"),
    ],
)
def test_verdict(given: Reply, expected: str) -> None:
    assert verdict(given) == expected


def test_every_line_and_sentence_carries_the_revision() -> None:
    text = "Title\n=====\n\nOne thing. Another (see `x`)!\n    code = 1\n\n* a point\n"
    stamped = stamp(text, 7)
    words = [line for line in stamped.splitlines() if any(c.isalpha() for c in line)]
    assert all("[r7]" in line for line in words)
    assert "One thing [r7]. Another (see `x`) [r7]!" in stamped
    assert revisions(stamped) == {7}


def test_tally_counts_and_keeps_the_first_failures() -> None:
    tally = Tally()
    tally.add(reply("So [r1].", reported=2))
    tally.add(reply("So [r2].", reported=2))
    summary = tally.summary()
    assert (summary["asked"], summary["stale"], summary["failed"]) == (2, 1, 0)
    assert summary["first_failures"] == ["stale: 200 So [r1]."]
