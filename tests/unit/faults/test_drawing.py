"""A chaos run is had again by its seed."""

from __future__ import annotations

from itertools import islice

from tests.kit.faults.drawing import FAULTS, cycles
from tests.kit.faults.mischief import MISCHIEF


def test_the_same_seed_draws_the_same_faults() -> None:
    assert list(islice(cycles(1), 50)) == list(islice(cycles(1), 50))
    assert list(islice(cycles(1), 50)) != list(islice(cycles(2), 50))


def test_every_fault_is_drawn_and_can_be_done() -> None:
    drawn = {fault.fault for cycle in islice(cycles(1), 200) for fault in cycle}
    assert drawn == set(FAULTS) == set(MISCHIEF)
