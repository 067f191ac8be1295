"""Files that are stored as deltas to files that are too large to be held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from ragwright_ingest.sources.git_pack import Content, Head, head_at, made_by, number
from ragwright_ingest.unreadable import MAX_BYTES

# git makes no deltas of files above this size (core.bigFileThreshold).
_LARGEST_BASE = 512 * 2**20
LARGEST_DELTA = 4 * MAX_BYTES
# How many bytes are unpacked at most. A step, however small, counts like some bytes.
_MOST_UNPACKED = 4 * 2**30
_STEP = 1024


class NotHadError(Exception):
    """A base is not there, is too large, or too much was unpacked already."""


class Bases:
    """Makes such a file from its base, which is unpacked to the disk. The last base stays there,
    for the deltas that follow. `ids` are the offsets of objects whose ids are known."""

    def __init__(
        self, pack: BinaryIO, folder: Path, id_bytes: int, ids: Mapping[bytes, int]
    ) -> None:
        self._pack = pack
        self._folder = folder
        self._id_bytes = id_bytes
        self._ids = ids
        self._left = _MOST_UNPACKED
        self._kept: tuple[int, BinaryIO] | None = None
        self._files = ExitStack()

    def base_of(self, head: Head) -> int | None:
        """The offset of a delta's base, or None if it is not known."""
        return self._ids.get(head.base) if isinstance(head.base, bytes) else head.base

    def content(self, offset: int) -> Iterator[bytes]:
        """What a delta makes, in pieces. Raises PackError and NotHadError."""
        head = head_at(self._pack, offset, self._id_bytes)
        return self._made(head, self._unpacked(self._base(head)))

    def close(self) -> None:
        self._files.close()

    def _base(self, head: Head) -> int:
        base = self.base_of(head)
        if base is None:
            raise NotHadError
        return base

    def _unpacked(self, offset: int) -> BinaryIO:
        """The file of an object's content. What it is made from need not be unpacked again if it
        is the one that was kept."""
        heads: list[tuple[int, Head]] = []
        at = offset
        while self._kept is None or at != self._kept[0]:
            self._spend(_STEP)
            head = head_at(self._pack, at, self._id_bytes)
            heads.append((at, head))
            if head.base is None:
                break
            at = self._base(head)
        for at, head in reversed(heads):
            self._keep(at, head)
        assert self._kept is not None
        return self._kept[1]

    def _keep(self, offset: int, head: Head) -> None:
        """Keep an object's content in place of that from which it is made."""
        before, self._kept = self._kept, None
        with self._files.pop_all():
            file = cast(BinaryIO, TemporaryFile(dir=self._folder))  # noqa: SIM115 - closed by the stack
            self._files.enter_context(file)
            if head.base is None:
                file.writelines(self._counted(head.size, Content(self._pack, head)))
            else:
                assert before is not None
                file.writelines(self._made(head, before[1]))
        self._kept = offset, file

    def _made(self, head: Head, base: BinaryIO) -> Iterator[bytes]:
        if head.size > LARGEST_DELTA:
            raise NotHadError
        self._spend(head.size)
        delta = b"".join(Content(self._pack, head))
        size, _ = number(delta, number(delta, 0)[1])
        return self._counted(size, made_by(delta, base))

    def _counted(self, size: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
        if size > _LARGEST_BASE:
            raise NotHadError
        for piece in pieces:
            self._spend(len(piece) + _STEP)
            yield piece

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise NotHadError
