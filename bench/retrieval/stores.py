"""What is measured: our search, the bare statement, and the peers as processes of their own."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
from pgvector import Vector
from psycopg import sql
from psycopg.types.json import Jsonb

from bench.retrieval.data import DIMENSIONS, RARE, TOP_K, Data
from ragwright_api.index.database import Database
from ragwright_api.index.lease import LiveVersion
from ragwright_core.filters import EVERYTHING, parse
from ragwright_core.index import connect
from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor
from ragwright_core.index.search import text
from ragwright_core.index.search.filters import condition
from ragwright_core.index.search.found import Searched, Wanted
from ragwright_core.index.search.fusion import candidates, weights
from ragwright_core.index.search.vector import as_parameter, search
from ragwright_core.index.version import indexes
from ragwright_core.index.version.columns import CHUNKS, LAYOUT, in_order
from ragwright_core.index.version.tables import chunk_types, copy_chunks, create_chunks
from ragwright_core.spec import Retrieval

SCHEMA = "rag_bench_retrieval"
LANGUAGE = "english"
NUMBER = 1
VERSION = LiveVersion(
    NUMBER,
    "bench",
    Descriptor(
        layout=LAYOUT,
        shape="",
        revisions={},
        language=LANGUAGE,
        embedding=EmbeddingDescriptor(provider="embedded", model="bench", dimensions=DIMENSIONS),
    ),
)
SEARCHED = Searched.of(NUMBER, VERSION.descriptor)
FITS = parse({"rare": RARE})
PEERS_FOLDER = Path(__file__).parent / "peers"
PEERS = ("langchain", "llamaindex", "haystack")


@dataclass(frozen=True)
class Asked:
    """A row of questions, asked one after the other."""

    first: int
    count: int
    filtered: bool


@dataclass(frozen=True)
class Told:
    """The duration of each question, and the chunks that it found."""

    seconds: list[float]
    found: list[list[int]]


class Store(Protocol):
    async def ask(self, asked: Asked) -> Told: ...


def fill(url: str, data: Data) -> None:
    """Fill the tables as a build does: COPY, then the indexes."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        connect.prepare(connection, SCHEMA)
        connection.execute(create_chunks(NUMBER, DIMENSIONS, LANGUAGE))
        rows = zip(data.texts, data.metadata, data.vectors, strict=True)
        with connection.cursor().copy(copy_chunks(NUMBER)) as copy:
            copy.set_types(chunk_types(DIMENSIONS))
            for n, (words, item, vector) in enumerate(rows):
                values = {
                    "document": n,
                    "position": 0,
                    "source": "docs",
                    "path": item["path"],
                    "url": None,
                    "title": "Title",
                    "place": "L1-L9",
                    "first_line": 1,
                    "last_line": 9,
                    "start_offset": 0,
                    "end_offset": len(words),
                    "text": words,
                    "hash": n.to_bytes(32, "big"),
                    "metadata": Jsonb(item),
                    "embedding": Vector(vector),
                }
                copy.write_row(in_order(CHUNKS, values))
        connection.execute(indexes.create_ann(NUMBER, DIMENSIONS))
        for statement in indexes.after_ann(NUMBER, VERSION.descriptor):
            connection.execute(statement)
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(f"chunks_v{NUMBER}")))


@dataclass(frozen=True)
class Ours:
    """The call that the service makes for each question; by `words` too is what it does by
    default."""

    database: Database
    data: Data
    words: bool

    async def ask(self, asked: Asked) -> Told:
        told = Told([], [])
        filters = FITS if asked.filtered else EVERYTHING
        counted = weights(Retrieval() if self.words else Retrieval(lexical_weight=0))
        for at in range(asked.first, asked.first + asked.count):
            wanted = Wanted(self.data.words[at], filters, TOP_K, 0.0, counted)
            began = time.perf_counter()
            found = await self.database.search(VERSION, wanted, self.data.questions[at])
            told.seconds.append(time.perf_counter() - began)
            told.found.append([item.id - 1 for item in found])
        return told


@dataclass(frozen=True)
class Bare:
    """The statement alone on a connection of its own, prepared, as psycopg sends it."""

    connection: psycopg.Connection[Any]
    data: Data

    async def ask(self, asked: Asked) -> Told:
        told = Told([], [])
        fits = condition(FITS)
        statement = search(SEARCHED, fits.sql if asked.filtered else None)
        parameters = {**fits.parameters, "limit": TOP_K} if asked.filtered else {"limit": TOP_K}
        for vector in self.data.questions[asked.first : asked.first + asked.count]:
            began = time.perf_counter()
            cursor = self.connection.execute(statement, {**parameters, "vector": Vector(vector)})
            rows = cursor.fetchall()
            told.seconds.append(time.perf_counter() - began)
            told.found.append([row[0] - 1 for row in rows])
        return told


@dataclass(frozen=True)
class BareBoth(Bare):
    """The two statements that search by meaning and by words takes, one after the other, and
    nothing done with what they find."""

    async def ask(self, asked: Asked) -> Told:
        told = Told([], [])
        fits = condition(FITS) if asked.filtered else None
        where, more = (fits.sql, fits.parameters) if fits else (None, {})
        by_meaning, both = search(SEARCHED, where), text.search(SEARCHED, where)
        for at in range(asked.first, asked.first + asked.count):
            vector = self.data.questions[at]
            near = {"vector": as_parameter(vector, DIMENSIONS), "limit": candidates(TOP_K)}
            wanted = Wanted.of(Retrieval(top_k=TOP_K), self.data.words[at])
            beside = dict(text.beside(SEARCHED, wanted, vector, [], fits).parameters)
            began = time.perf_counter()
            ids = [row[0] for row in self.connection.execute(by_meaning, near | more)]
            rows = self.connection.execute(both, beside | more | {"near": ids}).fetchall()
            told.seconds.append(time.perf_counter() - began)
            told.found.append([row[0] - 1 for row in rows[:TOP_K]])
        return told


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connect.prepare(connection, SCHEMA)
        yield connection


@dataclass(frozen=True)
class Peer:
    """A process that has one of the peers' stores."""

    process: subprocess.Popen[str]

    async def ask(self, asked: Asked) -> Told:
        assert self.process.stdin is not None
        print(json.dumps(vars(asked)), file=self.process.stdin, flush=True)
        return Told(**self._line())

    def wait_until_filled(self) -> None:
        assert self._line() == "ready"

    def _line(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline() or '"it has ended; see above"')


def install(name: str) -> Path:
    """The Python of a peer's own virtual environment, with exactly what its file pins."""
    folder = PEERS_FOLDER / name
    python = folder / ".venv" / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "--quiet", folder / ".venv"], check=True)
    pinned = folder / "requirements.txt"
    subprocess.run(["uv", "pip", "sync", "--quiet", "--python", python, pinned], check=True)
    return python


@contextmanager
def peer(name: str, host: Path) -> Iterator[Peer]:
    command: list[str | Path] = [install(name), "-m", "bench.retrieval.peer", name, host]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Peer(process)
    finally:
        process.kill()
        process.wait()
