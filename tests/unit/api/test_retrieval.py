"""What was retrieved can be stored and read again."""

from __future__ import annotations

from dataclasses import make_dataclass

import numpy as np

from ragwright_api.caching.codec import (
    decode_chunks,
    decode_vector,
    encode_chunks,
    encode_vector,
    mark_of,
)
from ragwright_core.index.search.found import Found


def found(score: float) -> Found:
    return Found(1, "docs", "a.md", None, "Title", "L1-L2", 1, 2, "text", score)


def test_what_was_retrieved_comes_back_as_it_was() -> None:
    vector = np.random.default_rng(1).standard_normal(64, np.float32)
    chunks = (found(0.123456789012345678), found(-1e-17))
    stored = decode_chunks(encode_chunks(chunks, vector), 64)
    assert stored is not None
    assert stored[0] == chunks
    assert np.array_equal(stored[1], vector)


def test_what_is_no_such_value_is_not_taken_for_one() -> None:
    stored = encode_chunks((found(0.5),), np.zeros(64, np.float32))
    mark, (chunks, vector) = stored[:8], stored[8:].split(b"\n", 1)
    of_another_release = [
        chunks + b"\n" + vector,  # before there was a mark
        b"00000000" + chunks + b"\n" + vector,
        mark + chunks.replace(b'"title"', b'"headline"') + b"\n" + vector,
        mark + b'[{"id": 1}]\n' + vector,
        mark + b"7\n" + vector,
        mark + chunks.replace(b'"id"', b'"page":1,"id"') + b"\n" + vector,
    ]
    for other in (b"", b"\n", mark, stored[:-1], stored + b"x", *of_another_release):
        assert decode_chunks(other, 64) is None
    assert decode_chunks(stored, 65) is None


def test_a_vector_comes_back_as_it_was_and_nothing_else_is_taken_for_one() -> None:
    vector = np.random.default_rng(1).standard_normal(64, np.float32)
    stored = encode_vector(vector)
    kept = decode_vector(stored, 64)
    assert kept is not None
    assert np.array_equal(kept, vector)
    for other in (b"", vector.tobytes(), stored[:-1], b"\x00" + stored[1:]):
        assert decode_vector(other, 64) is None
    assert decode_vector(stored, 65) is None


def test_a_mark_changes_with_every_field_its_place_its_type_and_how_it_is_written() -> None:
    def mark(written: int = 1, **types: str) -> str:
        return mark_of(written, make_dataclass("Shape", list(types.items())))

    marks = {
        mark(a="int", b="str"),
        mark(b="str", a="int"),
        mark(a="int", b="int"),
        mark(a="int", c="str"),
        mark(a="int"),
        mark(2, a="int", b="str"),
    }
    assert len(marks) == 6
    assert mark(a="int", b="str") in marks
