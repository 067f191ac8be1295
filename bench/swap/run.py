"""100 swaps in a row under readers: builds, changes of dimensions, rollbacks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.swap.readers import HttpReaders, SqlReader
from bench.swap.stalled import wake_too_late
from dev.demo.documents import Checkout, Document
from dev.gitserver import serve
from dev.stack import Stack
from ragwright_core.names import chunks_table
from ragwright_core.report import Report
from ragwright_core.spec import Embedding, Git, RagPipelineSpec, Source

SWAPS = 100
HELD_AT = 7
# Of every ten swaps, the one that changes the dimensions, and the one that is a rollback.
DIMENSIONS_EVERY, ROLLBACK_EVERY = 5, 0
# The window in which a swap could be felt: from a second before its report's COMMIT wait began.
WINDOW_SECONDS = 2.0


Readers = tuple[HttpReaders, SqlReader]


@dataclass(frozen=True)
class SwapRow:
    """One swap: its transaction and how long after the gates' verdict it stood (0 for a rollback,
    which has none), in milliseconds; and what readers felt before and across it, in seconds."""

    number: int
    condition: str
    swap_ms: float
    attempts: int
    after_verdict_ms: float
    before: list[float]
    across: list[float]


def documents(count: int, sentences: int = 6) -> list[Document]:
    """Small documents with distinct topics, so that each question has something to find."""
    return [
        Document(
            f"topic-{number}.md",
            f"# Topic {number}\n\n"
            + "\n".join(
                f"Rule {rule} of topic {number} says that parcel {number * 7 + rule} is refunded "
                f"within {rule + 2} days."
                for rule in range(sentences)
            )
            + "\n",
        )
        for number in range(count)
    ]


def pipeline_spec(url: str, dimensions: int = 256) -> RagPipelineSpec:
    return RagPipelineSpec(
        sources=[Source(name="bench", git=Git(url=url, ref="main"))],
        embedding=Embedding(dimensions=dimensions),
    )


@contextlib.contextmanager
def repository(folder: Path, count: int) -> Iterator[tuple[str, Checkout]]:
    with serve(folder / "served.git") as url:
        yield url, Checkout(folder / "work", documents(count))


async def build(stack: Stack, spec: RagPipelineSpec, request: str) -> Report:
    """Both steps of a build, as their Jobs would run them."""
    for step in ("load", "index"):
        report = await asyncio.to_thread(stack.start_build(step, spec, request).finish)
    return report


@contextlib.asynccontextmanager
async def readers(stack: Stack, spec: RagPipelineSpec) -> AsyncIterator[Readers]:
    """Readers on 2 API processes and one by SQL, running until the context ends."""
    urls = [await asyncio.to_thread(stack.start_api, spec) for _ in range(2)]
    asked = [f"When is parcel {number * 7 + 1} of topic {number} refunded?" for number in range(40)]
    http = HttpReaders([public for public, _ in urls], asked, clients=4, interval=0.05)
    by_name = SqlReader(stack.database_url, stack.identity.names.schema)
    async with asyncio.TaskGroup() as group:
        group.create_task(http.run())
        group.create_task(by_name.run())
        try:
            yield http, by_name
        finally:
            http.stopping.set()
            by_name.stopping.set()


@dataclass
class Swapper:
    """Makes one swap after the other; `revisions` says what each version was built from."""

    stack: Stack
    url: str
    checkout: Checkout
    http: HttpReaders
    live: int = 1
    previous: int = 0
    dimensions: int = 256
    revisions: dict[int, int] = field(default_factory=lambda: {1: 1})

    async def swap(self, number: int) -> SwapRow:
        condition = _condition(number)
        if condition == "other dimensions":
            self.dimensions = 384 - self.dimensions
        await asyncio.sleep(WINDOW_SECONDS)
        quiet_end = time.monotonic()
        self.http.timeline.settled = None
        held = _hold(self.stack, self.live) if condition == "old table held" else None
        with held or contextlib.nullcontext():
            report = await (self._back() if condition == "rollback" else self._build(number))
        reported_at = time.monotonic()
        assert report.swap is not None
        assert report.number is not None
        self.previous, self.live = self.live, report.number
        self.http.timeline.settled = self.revisions[self.live]
        # The Job reports 1.5 s after COMMIT and then drops old versions: the window holds all.
        return SwapRow(
            number=number,
            condition=condition,
            swap_ms=report.swap.milliseconds,
            attempts=report.swap.attempts,
            after_verdict_ms=0.0 if condition == "rollback" else after_verdict(self),
            before=self.http.timeline.between(quiet_end - WINDOW_SECONDS, quiet_end),
            across=self.http.timeline.between(reported_at - WINDOW_SECONDS, reported_at),
        )

    @property
    def spec(self) -> RagPipelineSpec:
        return pipeline_spec(self.url, self.dimensions)

    async def commit(self) -> int:
        """Change every document; returns the revision that they carry now."""
        revision = max(self.revisions.values()) + 1
        await asyncio.to_thread(self.checkout.commit, revision)
        await asyncio.to_thread(self.checkout.push, self.url)
        return revision

    async def _build(self, number: int) -> Report:
        revision = await self.commit()
        report = await build(self.stack, self.spec, f"swap-{number}")
        assert report.number is not None
        self.revisions[report.number] = revision
        return report

    async def _back(self) -> Report:
        started = self.stack.start_swap(self.previous, self.spec)
        return await asyncio.to_thread(started.finish)


def _condition(number: int) -> str:
    kinds = {DIMENSIONS_EVERY: "other dimensions", ROLLBACK_EVERY: "rollback"}
    return "old table held" if number == HELD_AT else kinds.get(number % 10, "")


def after_verdict(swapper: Swapper) -> float:
    with swapper.stack.connect() as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM swapped_at - ready_at)::float FROM index_version "
            "WHERE number = %s",
            [swapper.live],
        ).fetchone()
    assert row is not None
    return round(float(str(row[0])) * 1000, 1)


@contextlib.contextmanager
def _hold(stack: Stack, number: int) -> Iterator[None]:
    """A transaction that keeps the old version's table open, as a pg_dump would."""
    with stack.connect() as connection, connection.transaction():
        connection.execute(f'SELECT count(*) FROM "{chunks_table(number)}"')
        yield


@dataclass(frozen=True)
class Swapped:
    """What came of it all; `stalled_changed` counts what a Job changed that woke too late."""

    rows: list[SwapRow]
    http: HttpReaders
    by_name: SqlReader
    stalled_changed: int


async def hundred_swaps(stack: Stack, folder: Path) -> Swapped:
    with repository(folder, count=80) as (url, checkout):
        checkout.commit(1)
        checkout.push(url)
        spec = pipeline_spec(url)
        await build(stack, spec, "request-1")
        rows = []
        async with readers(stack, spec) as (http, by_name):
            swapper = Swapper(stack, url, checkout, http)
            for number in range(1, SWAPS + 1):
                rows.append(await swapper.swap(number))
                print(f"  swap {number}/{SWAPS}: {rows[-1].swap_ms:.1f} ms", flush=True)
            await asyncio.sleep(WINDOW_SECONDS)
            changed = await _stall(swapper)
    return Swapped(rows, http, by_name, changed)


async def _stall(swapper: Swapper) -> int:
    stack, spec = swapper.stack, swapper.spec
    await swapper.commit()
    await asyncio.to_thread(stack.start_build("load", spec, "stalled").finish)
    swapper.http.timeline.settled = None
    return await asyncio.to_thread(wake_too_late, stack, spec, "stalled", swapper.previous)
