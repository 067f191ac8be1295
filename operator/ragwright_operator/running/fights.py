"""Notices objects that another hand changes after each apply, so that they are left alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ragwright_core.names import PipelineName
from ragwright_operator.plan.difference import stamp_of
from ragwright_operator.plan.steps import ApplyObject, Outcome
from ragwright_operator.world.observed import Key, key_of

# A person who edits an object by hand again and again is slower.
EQUAL_APPLIES = 5
REST = timedelta(minutes=5)
# An apply after a longer time than this says nothing about the one before.
_MEMORY = REST + timedelta(minutes=1)


@dataclass(frozen=True)
class _Applied:
    stamp: str
    times: int
    at: datetime


@dataclass
class Fights:
    """Counts equal applies of each object. After a restart of the operator it begins anew."""

    _applied: dict[PipelineName, dict[Key, _Applied]] = field(default_factory=dict)

    def left_alone(self, pipeline: PipelineName, now: datetime) -> dict[Key, str]:
        """Objects that are not written for a while, because that would change nothing, each with
        the stamp of the manifest that was applied in vain."""
        return {
            key: last.stamp
            for key, last in self._applied.get(pipeline, {}).items()
            if last.times >= EQUAL_APPLIES and now - last.at < REST
        }

    def note(self, pipeline: PipelineName, outcomes: Iterable[Outcome], now: datetime) -> None:
        known = self._applied.setdefault(pipeline, {})
        for outcome in outcomes:
            if outcome.result != "done" or not isinstance(outcome.step, ApplyObject):
                continue
            key = key_of(outcome.step.manifest)
            stamp = stamp_of(outcome.step.manifest)
            last = known.get(key)
            again = last is not None and last.stamp == stamp and now - last.at < _MEMORY
            known[key] = _Applied(stamp, last.times + 1 if again and last else 1, now)

    def forget(self, pipeline: PipelineName) -> None:
        self._applied.pop(pipeline, None)
