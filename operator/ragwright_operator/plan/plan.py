"""Turns what is wanted into steps. Pure: it knows no client, clock or environment."""

from __future__ import annotations

from ragwright_operator.memory.memory import Memory
from ragwright_operator.plan.build_jobs import build_steps
from ragwright_operator.plan.children import child_steps
from ragwright_operator.plan.orders import order_steps
from ragwright_operator.plan.steps import Step
from ragwright_operator.plan.swap_jobs import swap_steps
from ragwright_operator.wanted.decide import Wanted
from ragwright_operator.world.observed import Observed


def plan(observed: Observed, memory: Memory, wanted: Wanted) -> list[Step]:
    """The steps that bring the pipeline one stage on; each can be repeated after a crash."""
    return [
        *child_steps(observed),
        *build_steps(observed, memory, wanted),
        *swap_steps(observed, memory, wanted),
        *order_steps(observed, wanted),
    ]
