"""An object in a pack, in pieces: its header, its content, and what a delta makes of its base."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from _hashlib import HASH

Hash = Callable[[], "HASH"]

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
OFFSET_DELTA, ID_DELTA = 6, 7
NAMES = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}

_HEAD_BYTES = 64
_CHUNK = 2**16


class PackError(Exception):
    """The bytes are no pack of git's."""


class Head(NamedTuple):
    """`size` is that of the content, which is a delta if there is a `base`: an offset in the pack
    or an id. The content begins at `data`, compressed."""

    kind: int
    size: int
    base: int | bytes | None
    data: int


def head_at(pack: BinaryIO, offset: int, id_bytes: int) -> Head:
    pack.seek(offset)
    head = pack.read(_HEAD_BYTES)
    first, at = head[0] if head else 0, 1
    size, kind = first & 0x0F, (first >> 4) & 0x07
    if first & 0x80:
        more, at = number(head, at)
        size |= more << 4
    if kind == ID_DELTA:
        return Head(kind, size, head[at : at + id_bytes], offset + at + id_bytes)
    if kind == OFFSET_DELTA:
        distance, at = _distance(head, at)
        if not 0 < distance < offset:
            raise PackError
        return Head(kind, size, offset - distance, offset + at)
    if kind not in NAMES:
        raise PackError
    return Head(kind, size, None, offset + at)


def head_of(kind: int, size: int, distance: int = 0) -> bytes:
    """The header of an object, for a pack that is written."""
    head = bytearray([kind << 4 | size & 0x0F])
    size >>= 4
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    if distance:
        told = [distance & 0x7F]
        while distance := distance >> 7:
            distance -= 1
            told.append(0x80 | distance & 0x7F)
        head += bytes(reversed(told))
    return bytes(head)


def number(text: bytes, at: int) -> tuple[int, int]:
    """The number there and where the next byte is: seven bits a byte, the lowest first; the highest
    bit says that another byte follows."""
    found = shift = 0
    while at < len(text):
        byte = text[at]
        found |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not byte & 0x80:
            return found, at
    raise PackError


def _distance(text: bytes, at: int) -> tuple[int, int]:
    found = -1
    while at < len(text):
        byte = text[at]
        found, at = (found + 1) << 7 | byte & 0x7F, at + 1
        if not byte & 0x80:
            return found, at
    raise PackError


class Content:
    """The content of an object in small pieces. Once they were read, `end` is the next object's
    offset. Raises PackError."""

    def __init__(self, pack: BinaryIO, head: Head) -> None:
        self._pack = pack
        self._head = head
        self.end = head.data

    def __iter__(self) -> Iterator[bytes]:
        self._pack.seek(self._head.data)
        unpacker, rest, total = zlib.decompressobj(), b"", 0
        while not unpacker.eof:
            if not rest:
                rest = self._pack.read(_CHUNK)
                self.end += len(rest)
                if not rest:
                    raise PackError
            piece = unpacker.decompress(rest, _CHUNK)
            rest = unpacker.unconsumed_tail
            total += len(piece)
            if total > self._head.size:
                raise PackError
            if piece:
                yield piece
        if total != self._head.size:
            raise PackError
        self.end -= len(unpacker.unused_data)


def made_by(delta: bytes, base: BinaryIO) -> Iterator[bytes]:
    """What a delta makes of its base, in pieces of at most 16 MiB. Raises PackError."""
    _, at = number(delta, 0)
    size, at = number(delta, at)
    total = 0
    while at < len(delta):
        order, at = delta[at], at + 1
        if order & 0x80:
            start, length, at = _copied(delta, order, at)
            base.seek(start)
            piece = base.read(length)
            if len(piece) != length:
                raise PackError
        else:
            piece, at = delta[at : at + order], at + order
        total += len(piece)
        if not piece or total > size:
            raise PackError
        yield piece
    if total != size:
        raise PackError


def _copied(delta: bytes, order: int, at: int) -> tuple[int, int, int]:
    """Of an order to copy: where in the base, how much, and where the next order is."""
    found = bytearray(7)
    for index in range(7):
        if order & 1 << index:
            found[index : index + 1], at = delta[at : at + 1], at + 1
    return (
        int.from_bytes(found[:4], "little"),
        int.from_bytes(found[4:], "little") or 0x10000,
        at,
    )
