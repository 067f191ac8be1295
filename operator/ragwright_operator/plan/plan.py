"""From what is to what should be. Pure: knows no client, clock or environment."""

from __future__ import annotations

from datetime import datetime

from ragwright_operator.observed import Observed
from ragwright_operator.plan.builds import build_steps
from ragwright_operator.plan.children import child_steps
from ragwright_operator.plan.steps import Step
from ragwright_operator.plan.swapping import swap_steps


def plan(observed: Observed, now: datetime) -> list[Step]:
    """The steps that bring the pipeline one stage on; each can be repeated after a crash."""
    return child_steps(observed) + build_steps(observed, now) + swap_steps(observed, now)
