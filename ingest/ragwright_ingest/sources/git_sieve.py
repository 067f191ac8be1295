"""Takes what is too large to be read out of a pack, and holds none of it.

A server that does not filter, which is git's default, sends every file of a commit, and dulwich
inflates each as a whole: one file of 2 GiB took 2.3 GiB of memory.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from dulwich.objects import ObjectID

from ragwright_core.report import Reason
from ragwright_ingest.sources.git_bases import Bases, NotHadError
from ragwright_ingest.sources.git_http import GitFailureError
from ragwright_ingest.sources.git_objects import HEADER, UNKNOWN, Objects
from ragwright_ingest.sources.git_pack import (
    BLOB,
    ID_DELTA,
    NAMES,
    OFFSET_DELTA,
    Hash,
    PackError,
    head_of,
)
from ragwright_ingest.unreadable import MAX_BYTES

# What is no file is read as a whole: a folder of 64 MiB has more than a million entries.
_LARGEST_OTHER = 64 * 2**20
_COPY = 2**20


class Sieve:
    """A pack in a file. `sizes` has the sizes of files that are too large, by their ids, as far as
    these are known. Raises PackError and GitFailureError."""

    def __init__(self, pack: BinaryIO, folder: Path, new_hash: Hash) -> None:
        self._pack = pack
        self._folder = folder
        self._new_hash = new_hash
        self._objects = Objects(pack, new_hash)
        with closing(self._new_bases()) as bases:
            self._objects.name(bases)
        starts = self._objects.starts[:-1]
        self._left_out = {start for index, start in enumerate(starts) if self._is_large(index)}
        # The sizes of files that are small, and cannot be had.
        self._lost: set[int] = set()
        self.sizes = {
            ObjectID(name.hex().encode()): self._objects.sizes[self._objects.index(start)]
            for name, start in self._objects.ids.items()
            if start in self._left_out
        }

    @property
    def found(self) -> bool:
        """Whether something in the pack is too large."""
        return bool(self._left_out)

    def write(self, out: BinaryIO) -> None:
        """Write the pack anew, without what is too large. Where that was the base of a delta, the
        object is written whole."""
        self._check()
        out.write(HEADER.pack(b"PACK", 2, 0))
        moved, kept = array("Q"), 0
        with closing(self._new_bases()) as bases:
            for index, start in enumerate(self._objects.starts[:-1]):
                moved.append(out.tell())
                if start in self._left_out:
                    continue
                if self._write(out, index, moved, bases):
                    kept += 1
                else:
                    self._left_out.add(start)
                    self._lost.add(self._objects.sizes[index])
        out.seek(0)
        out.write(HEADER.pack(b"PACK", 2, kept))
        out.seek(0)
        digest = self._new_hash()
        while piece := out.read(_COPY):
            digest.update(piece)
        out.write(digest.digest())
        out.seek(0)

    def _new_bases(self) -> Bases:
        return Bases(self._pack, self._folder, self._objects.id_bytes, self._objects.ids)

    def _is_large(self, index: int) -> bool:
        size, kind = self._objects.sizes[index], self._objects.kinds[index]
        if size <= MAX_BYTES or kind in (BLOB, UNKNOWN):
            return size > MAX_BYTES
        if size > _LARGEST_OTHER:
            raise GitFailureError(
                Reason.SOURCE_NOT_FOUND,
                f"holds a {NAMES[kind].decode()} of {size / 2**20:.0f} MiB; at most "
                f"{_LARGEST_OTHER // 2**20} MiB are read: put fewer files into one folder",
            )
        return False

    def _write(self, out: BinaryIO, index: int, moved: array[int], bases: Bases) -> bool:
        """Write an object that is small enough. False if it cannot be had in bounded memory."""
        start, end = self._objects.starts[index : index + 2]
        head = self._objects.head(index)
        base = bases.base_of(head)
        if base in self._left_out:
            try:
                content = b"".join(bases.content(start))
            except NotHadError:
                return False
            out.write(head_of(BLOB, len(content)) + zlib.compress(content, 1))
            return True
        if (
            head.kind == ID_DELTA
            and base is None
            and self._is_gone(self._objects.base_sizes[index])
        ):
            return False
        if head.kind == OFFSET_DELTA:
            assert base is not None
            out.write(
                head_of(OFFSET_DELTA, head.size, moved[-1] - moved[self._objects.index(base)])
            )
            start = head.data
        self._pack.seek(start)
        for piece in _pieces(self._pack, end - start):
            out.write(piece)
        return True

    def _is_gone(self, size: int) -> bool:
        """Whether a base of this size, whose id is not known, was left out."""
        return size > MAX_BYTES or size in self._lost

    def _check(self) -> None:
        """Raises PackError if the pack's own sum is not that of what arrived."""
        self._pack.seek(0)
        digest = self._new_hash()
        for piece in _pieces(self._pack, self._objects.starts[-1]):
            digest.update(piece)
        if self._pack.read(self._objects.id_bytes) != digest.digest():
            raise PackError


def _pieces(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        piece = file.read(min(length, _COPY))
        if not piece:
            raise PackError
        length -= len(piece)
        yield piece
