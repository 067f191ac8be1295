"""A question."""

from __future__ import annotations

from dataclasses import dataclass

from ragwright_core.index.search.found import Wanted


@dataclass(frozen=True)
class Question:
    """`text` is the caller's text, and `wanted` the search for it. If `use_cache` is false, no
    cache is read, but results are still stored."""

    text: str
    wanted: Wanted
    use_cache: bool = True
