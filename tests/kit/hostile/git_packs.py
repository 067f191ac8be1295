"""Packs that are made by hand, as a server may send them."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from ragwright_ingest.sources.git_pack import ID_DELTA, NAMES, OFFSET_DELTA, head_of


def id_of(kind: int, content: bytes) -> bytes:
    return hashlib.sha1(b"%s %d\0%s" % (NAMES[kind], len(content), content)).digest()


def number(size: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    found = bytearray()
    while size > 0x7F:
        found.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*found, size])


def delta(base: bytes, made: bytes) -> bytes:
    """Copies what both begin with, and holds the rest."""
    same = 0
    while same < min(len(base), len(made), 0xFFFF) and base[same] == made[same]:
        same += 1
    orders = bytearray(number(len(base)) + number(len(made)))
    if same:
        orders += bytes([0x80 | 0x30, same & 0xFF, same >> 8])
    for start in range(same, len(made), 0x7F):
        piece = made[start : start + 0x7F]
        orders += bytes([len(piece)]) + piece
    return bytes(orders)


class Writer:
    """Writes a pack. Each object's offset is returned."""

    def __init__(self) -> None:
        self._body = io.BytesIO()
        self._count = 0

    def whole(self, kind: int, content: bytes) -> int:
        return self._add(head_of(kind, len(content)), content)

    def by_offset(self, base: int, orders: bytes) -> int:
        distance = 12 + self._body.tell() - base
        return self._add(head_of(OFFSET_DELTA, len(orders), distance), orders)

    def by_id(self, base: bytes, orders: bytes) -> int:
        return self._add(head_of(ID_DELTA, len(orders)) + base, orders)

    def file(self) -> BinaryIO:
        pack = struct.pack(">4sLL", b"PACK", 2, self._count) + self._body.getvalue()
        file = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 - closed by whom it is given to
        file.write(pack + hashlib.sha1(pack).digest())
        return file

    def _add(self, head: bytes, content: bytes) -> int:
        offset = 12 + self._body.tell()
        self._body.write(head + zlib.compress(content))
        self._count += 1
        return offset
