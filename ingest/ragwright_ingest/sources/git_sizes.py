"""The size of an object in a pack, without the object: few bytes may unpack to gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from dulwich.objects import ObjectID
from dulwich.pack import Pack
from dulwich.repo import Repo

_OFFSET_DELTA, _ID_DELTA = 6, 7
# Two numbers of an object's header, an id, and the beginning of a delta.
_HEAD_BYTES = 512


def size_of(repo: Repo, blob_id: ObjectID) -> int | None:
    """The size of a blob, or None if it was left out because it is too large."""
    for pack in repo.object_store.packs:
        if blob_id in pack:
            return _size_in(pack, blob_id)
    return None


def _size_in(pack: Pack, blob_id: ObjectID) -> int:
    with Path(f"{pack._basename}.pack").open("rb") as file:  # noqa: SLF001 - it has no other name
        file.seek(pack.index.object_offset(blob_id))
        head = iter(file.read(_HEAD_BYTES))
    first = next(head)
    size, kind = first & 0x0F, (first >> 4) & 0x07
    if first & 0x80:
        size |= _number(head) << 4
    if kind == _OFFSET_DELTA:
        _number(head)
    elif kind == _ID_DELTA:
        for _ in range(len(blob_id) // 2):
            next(head)
    else:
        return size
    delta = iter(zlib.decompressobj().decompress(bytes(head), 64))
    _number(delta)  # the size of what it is a delta to
    return _number(delta)


def _number(found: Iterator[int]) -> int:
    """Seven bits a byte, the lowest first; the highest bit says that another byte follows."""
    number = shift = 0
    for byte in found:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    return number
