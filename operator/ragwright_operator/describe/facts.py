"""The facts that a description is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ragwright_core.status import Index
from ragwright_operator.memory.memory import Memory
from ragwright_operator.wanted.decide import Wanted
from ragwright_operator.world.observed import Observed


@dataclass(frozen=True)
class Facts:
    """The facts of one round, with the description of the index, which is made first."""

    observed: Observed
    memory: Memory
    wanted: Wanted
    index: Index
    now: datetime
