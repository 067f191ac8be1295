"""What is in a pack: where each object begins, its size and kind, and the ids of some.

An id is the sum of an object's content, and stands nowhere in a pack: that of a delta is known only
once the delta was unpacked. So ids are sought only for what is large, and for what may be its base.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ragwright_ingest.sources.git_bases import LARGEST_DELTA, Bases, NotHadError
from ragwright_ingest.sources.git_pack import NAMES, Content, Hash, Head, PackError, head_at, number
from ragwright_ingest.unreadable import MAX_BYTES

HEADER = struct.Struct(">4sLL")
UNKNOWN = 0


class Objects:
    """The objects in their order; `starts` has also where the last one ends. `sizes` are those of
    the contents, and `base_sizes` those of what deltas are made from. `kinds` are UNKNOWN for a
    delta that names its base by an id which is not known. Raises PackError."""

    def __init__(self, pack: BinaryIO, new_hash: Hash) -> None:
        self.starts = array("Q")
        self.sizes = array("Q")
        self.base_sizes = array("Q")
        self.kinds = array("B")
        self.ids: dict[bytes, int] = {}
        self._pack = pack
        self._new_hash = new_hash
        self.id_bytes = new_hash().digest_size
        self._look()

    def index(self, offset: int) -> int:
        found = bisect_left(self.starts, offset)
        if self.starts[found] != offset:
            raise PackError
        return found

    def head(self, index: int) -> Head:
        return head_at(self._pack, self.starts[index], self.id_bytes)

    def name(self, bases: Bases) -> None:
        """Find the ids of large deltas, and their kinds, as far as they can be had."""
        sizes = zip(self.sizes, self.base_sizes, strict=True)
        if not any(size > MAX_BYTES and base_size for size, base_size in sizes):
            return
        waiting = self._waiting()
        named = list(self.ids.items())
        while named:
            base_id, base = named.pop()
            kind = self.kinds[self.index(base)]
            for index in waiting.pop(base_id, []) + waiting.pop(base, []):
                self.kinds[index] = kind
                try:
                    pieces = bases.content(self.starts[index])
                    named.append((self._named(index, pieces), self.starts[index]))
                except NotHadError:
                    continue

    def _waiting(self) -> dict[int | bytes, list[int]]:
        """By their bases the deltas that are to be named. What is no delta is named here."""
        found: dict[int | bytes, list[int]] = defaultdict(list)
        for index in self._to_name():
            head = self.head(index)
            if head.base is not None:
                found[head.base].append(index)
            elif self.sizes[index] <= MAX_BYTES:
                self._named(index, Content(self._pack, head))
        return found

    def _to_name(self) -> Iterator[int]:
        """What is large, and whatever has the size of its base, of that one's base, and so on."""
        by_size: dict[int, list[int]] = defaultdict(list)
        for index, size in enumerate(self.sizes):
            by_size[size].append(index)
        large = [size for size in by_size if size > MAX_BYTES]
        found = [index for size in large for index in by_size.pop(size)]
        while found:
            index = found.pop()
            yield index
            found += by_size.pop(self.base_sizes[index], [])

    def _named(self, index: int, pieces: Iterable[bytes]) -> bytes:
        digest = self._new_hash()
        digest.update(b"%s %d\0" % (NAMES[self.kinds[index]], self.sizes[index]))
        for piece in pieces:
            digest.update(piece)
        # Of two with the same content the first stays: then no base is made from itself.
        self.ids.setdefault(digest.digest(), self.starts[index])
        return digest.digest()

    def _look(self) -> None:
        self._pack.seek(0)
        header = self._pack.read(HEADER.size)
        if len(header) < HEADER.size or header[:4] != b"PACK":
            raise PackError
        offset = HEADER.size
        for index in range(HEADER.unpack(header)[2]):
            self.starts.append(offset)
            offset = self._look_at(index)
        self.starts.append(offset)

    def _look_at(self, index: int) -> int:
        """Note an object. Returns where the next one begins."""
        head = self.head(index)
        content = Content(self._pack, head)
        if head.base is None:
            self._note(head.kind, head.size, 0)
            if head.size > MAX_BYTES:
                self._named(index, content)
            else:
                _first_of(content)
            return content.end
        first = _first_of(content)
        base_size, at = number(first, 0)
        size, _ = number(first, at)
        kind = self.kinds[self.index(head.base)] if isinstance(head.base, int) else UNKNOWN
        # A delta above LARGEST_DELTA is itself too large, whatever it makes.
        self._note(kind, max(size, head.size) if head.size > LARGEST_DELTA else size, base_size)
        return content.end

    def _note(self, kind: int, size: int, base_size: int) -> None:
        self.kinds.append(kind)
        self.sizes.append(size)
        self.base_sizes.append(base_size)


def _first_of(content: Content) -> bytes:
    """The first bytes, which hold the two sizes of a delta. All others are read, too."""
    first = b""
    for piece in content:
        first += piece[: 32 - len(first)]
    return first
