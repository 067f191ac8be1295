"""What is left of a pack once the files that are too large are taken out of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import pytest
from dulwich.repo import Repo

from ragwright_ingest.sources import git_bases, git_objects, git_pack, git_sieve
from ragwright_ingest.sources.git_pack import BLOB, TREE
from tests.kit.hostile.git_packs import Writer, delta, id_of

LARGEST = 1000
NOISE = os.urandom(2000)
FIRST, SECOND, THIRD = NOISE, NOISE[:1500] + b"second", NOISE[:1400] + b"third"
SMALL, OTHER = NOISE[:900] + b"small", NOISE[:800] + b"other"


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (git_objects, git_sieve):
        monkeypatch.setattr(module, "MAX_BYTES", LARGEST)


class Left(NamedTuple):
    """The files that dulwich takes from what is left of a pack, and the sizes of the others."""

    files: set[bytes]
    sizes: dict[bytes, int]


def sieved(folder: Path, pack: Writer) -> Left:
    with pack.file() as file, closing(Repo.init_bare(str(folder))) as repo:
        sieve = git_sieve.Sieve(file, folder, hashlib.sha1)
        with TemporaryFile() as rest:
            sieve.write(rest)
            repo.object_store.add_thin_pack(rest.read, None)
        files = {repo[name].as_raw_string() for name in repo.object_store}
    return Left(files, {bytes.fromhex(name.decode()): size for name, size in sieve.sizes.items()})


def ids(*contents: bytes) -> dict[bytes, int]:
    return {id_of(BLOB, content): len(content) for content in contents}


def by_ids(pack: Writer, *contents: bytes) -> list[Callable[[], int]]:
    """Each as a delta to the one before, which is named by its id."""
    return [
        partial(pack.by_id, id_of(BLOB, base), delta(base, made))
        for base, made in pairwise(contents)
    ]


@pytest.mark.parametrize("order", [1, -1], ids=["bases first", "bases last"])
def test_large_deltas_are_found_by_their_ids(tmp_path: Path, order: int) -> None:
    pack = Writer()
    chain: list[Callable[[], int]] = [partial(pack.whole, BLOB, FIRST)]
    chain += by_ids(pack, FIRST, SECOND, THIRD, SMALL, OTHER)
    for add in chain[::order]:
        add()
    assert sieved(tmp_path, pack) == ({SMALL, OTHER}, ids(FIRST, SECOND, THIRD))


def test_the_base_of_a_large_delta_may_be_small_and_a_delta(tmp_path: Path) -> None:
    pack = Writer()
    start = pack.whole(BLOB, OTHER)
    pack.by_offset(start, delta(OTHER, SMALL))
    for add in by_ids(pack, SMALL, THIRD, NOISE[:700]):
        add()
    assert sieved(tmp_path, pack) == ({OTHER, SMALL, NOISE[:700]}, ids(THIRD))


def test_deltas_by_offset_and_by_id_in_one_chain(tmp_path: Path) -> None:
    pack = Writer()
    pack.whole(BLOB, FIRST)
    second = pack.by_id(id_of(BLOB, FIRST), delta(FIRST, SECOND))
    third = pack.by_offset(second, delta(SECOND, THIRD))
    pack.by_offset(third, delta(THIRD, SMALL))
    assert sieved(tmp_path, pack) == ({SMALL}, ids(FIRST, SECOND, THIRD))


@pytest.mark.parametrize("size", [900, 1500])
def test_a_large_tree_is_no_file(tmp_path: Path, size: int) -> None:
    base = b"100644 a\0" + os.urandom(20)
    base += b"100644 %s\0" % (b"b" * (size - len(base) - 29)) + os.urandom(20)
    tree = base + b"100644 %s\0" % (b"c" * 1500) + os.urandom(20)
    pack = Writer()
    pack.by_id(id_of(TREE, base), delta(base, tree))
    pack.whole(TREE, base)
    pack.whole(BLOB, FIRST)
    assert sieved(tmp_path, pack) == ({base, tree}, ids(FIRST))


def test_deltas_whose_bases_are_nowhere_or_themselves_fail_alone(tmp_path: Path) -> None:
    pack = Writer()
    pack.whole(BLOB, b"# A")
    for add in by_ids(pack, FIRST, SECOND, FIRST, SMALL):
        add()
    assert sieved(tmp_path, pack) == ({b"# A"}, {})


@pytest.mark.parametrize("by_id", [True, False], ids=["by id", "by offset"])
def test_what_costs_too_much_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_id: bool
) -> None:
    """Small deltas to two bases in turn, each of which is unpacked for each of them."""
    unpacked: list[int] = []
    keep = git_bases.Bases._keep

    def counted(bases: git_bases.Bases, offset: int, *rest: Any) -> None:
        unpacked.append(offset)
        keep(bases, offset, *rest)

    monkeypatch.setattr(git_bases.Bases, "_keep", counted)
    monkeypatch.setattr(git_bases, "_MOST_UNPACKED", 150_000)
    pack, bases = Writer(), [FIRST, bytes(2000)]
    starts = [pack.whole(BLOB, base) for base in bases]
    made = [bases[n % 2][:100] + b"%d" % n for n in range(100)]
    for n, content in enumerate(made):
        orders = delta(bases[n % 2], content)
        start = pack.by_offset(starts[n % 2], orders)
        if by_id:
            pack.by_id(id_of(BLOB, content), delta(content, content + b"again"))
        else:
            pack.by_offset(start, delta(content, content + b"again"))
    left = sieved(tmp_path, pack)
    assert 5 < len(unpacked) < 50
    had = [content for content in made if content in left.files]
    assert had == made[: len(had)]
    assert left.files == {*had, *(content + b"again" for content in had)}


def test_a_long_chain_costs_a_step_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, chain = 0, 300
    head_at = git_pack.head_at

    def counted(*arguments: Any) -> git_pack.Head:
        nonlocal steps
        steps += 1
        return head_at(*arguments)

    for module in (git_bases, git_objects):
        monkeypatch.setattr(module, "head_at", counted)
    pack = Writer()
    start = pack.whole(BLOB, FIRST)
    for _ in range(chain):
        start = pack.by_offset(start, delta(FIRST, FIRST))
    with pack.file() as file:
        assert list(git_sieve.Sieve(file, tmp_path, hashlib.sha1).sizes.values()) == [len(FIRST)]
    assert steps < 10 * chain
