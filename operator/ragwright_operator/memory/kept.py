"""Versions that may answer, now or after a swap, with the Secrets of their endpoints. Pure."""

from __future__ import annotations

from ragwright_core.memory import KeptVersion
from ragwright_operator.world.attempts import Attempt
from ragwright_operator.world.observed import Observed


def kept_versions(
    observed: Observed, kept: list[KeptVersion], attempt: Attempt
) -> list[KeptVersion]:
    """`kept` with the version of an attempt that has ended, and without versions that are gone."""
    number = attempt.report.number if attempt.report else None
    if number is None:
        return kept
    if number not in [item.number for item in kept]:
        secret = attempt.note.secret_key if attempt.note else None
        kept = [KeptVersion(number=number, secret_key_ref=secret), *kept]
    if observed.summary is None:
        return kept[: observed.spec.reindex.keep + 2]
    there = {number, *(other.number for other in observed.summary.others)}
    if observed.summary.live:
        there.add(observed.summary.live.number)
    return [item for item in kept if item.number in there]
