"""Answers in the process's memory: bounded, and never of an older version."""

from __future__ import annotations

from ragwright_api.caching.memory import OVERHEAD_BYTES, Memory
from ragwright_core.cachekeys import IndexPoint

POINT = IndexPoint("rag_n_p", "one", 0)


def put(memory: Memory[str], request: bytes, *, size: int = 100, lives: float = 60) -> None:
    memory.put(POINT, request, f"answer to {request!r}", size=size, lives=lives)


def test_what_was_put_is_found_by_its_own_request_alone() -> None:
    memory: Memory[str] = Memory(2**20)
    assert memory.get(POINT, b"q") is None
    put(memory, b"q")
    assert memory.get(POINT, b"q") == "answer to b'q'"
    assert memory.get(POINT, b"q ") is None


def test_another_version_or_epoch_empties_it() -> None:
    for other in (IndexPoint("rag_n_p", "two", 0), IndexPoint("rag_n_p", "one", 1)):
        memory: Memory[str] = Memory(2**20)
        memory.get(POINT, b"q")
        put(memory, b"q")
        assert memory.get(other, b"q") is None
        assert memory.size == 0
        # An answer that was computed on the old one comes too late.
        put(memory, b"q")
        assert memory.get(other, b"q") is None


def test_it_ends_with_its_time_to_live() -> None:
    now = 0.0
    memory: Memory[str] = Memory(2**20, clock=lambda: now)
    memory.get(POINT, b"q")
    put(memory, b"q", lives=10)
    now = 9.9
    assert memory.get(POINT, b"q")
    now = 10.0
    assert memory.get(POINT, b"q") is None


def test_bytes_are_bounded_and_the_least_lately_used_leaves() -> None:
    room = 3 * (OVERHEAD_BYTES + 101)
    memory: Memory[str] = Memory(room)
    memory.get(POINT, b"")
    for name in (b"1", b"2", b"3"):
        put(memory, name)
    memory.get(POINT, b"1")
    put(memory, b"4")
    assert memory.size <= room
    assert [bool(memory.get(POINT, name)) for name in (b"1", b"2", b"3", b"4")] == [
        True,
        False,
        True,
        True,
    ]
    put(memory, b"5", size=room)
    assert memory.get(POINT, b"5") is None
    assert memory.get(POINT, b"4")


def test_without_room_nothing_is_kept() -> None:
    memory: Memory[str] = Memory(0)
    memory.get(POINT, b"q")
    put(memory, b"q")
    assert memory.get(POINT, b"q") is None


def test_it_knows_how_long_a_value_will_live() -> None:
    now = 0.0
    memory: Memory[str] = Memory(2**20, clock=lambda: now)
    memory.get(POINT, b"q")
    assert memory.seconds_left(POINT, b"q") is None
    put(memory, b"q", lives=10)
    now = 4.0
    assert memory.seconds_left(POINT, b"q") == 6
    now = 10.0
    assert memory.seconds_left(POINT, b"q") is None


def test_a_late_question_about_another_version_empties_nothing() -> None:
    memory: Memory[str] = Memory(2**20)
    memory.get(POINT, b"q")
    put(memory, b"q")
    assert memory.seconds_left(POINT._replace(epoch=POINT.epoch + 1), b"q") is None
    assert memory.get(POINT, b"q")
