"""Where a chunk is in its document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Place:
    """`anchor` goes after `#` in a chunk's reference: `L10-L42`, `page=3`, `row=7`. Lines count
    from 1 and are None if the document has no lines."""

    anchor: str
    first_line: int | None = None
    last_line: int | None = None

    @classmethod
    def lines(cls, first: int, last: int) -> Self:
        return cls(f"L{first}-L{last}", first, last)
