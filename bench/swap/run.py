"""20 swaps in a row under readers; once past a held table, once to other dimensions."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.swap.readers import HttpReaders, SqlReader
from dev.demo.documents import Checkout, Document
from dev.gitserver import serve
from dev.stack import Stack
from ragwright_core.names import chunks_table
from ragwright_core.report import Report
from ragwright_core.spec import Embedding, Git, RagPipelineSpec, Source

SWAPS = 20
HELD_AT = 7
DIMENSIONS_AT = 13
# The window in which a swap could be felt: from a second before its report's COMMIT wait began.
WINDOW_SECONDS = 2.0


Readers = tuple[HttpReaders, SqlReader]


@dataclass(frozen=True)
class SwapRow:
    """One swap: its transaction, and what readers felt before and across it, in milliseconds."""

    number: int
    condition: str
    swap_ms: float
    attempts: int
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


async def swap_once(
    stack: Stack, url: str, checkout: Checkout, http: HttpReaders, number: int
) -> SwapRow:
    await asyncio.to_thread(checkout.commit, number)
    await asyncio.to_thread(checkout.push, url)
    dimensions = 128 if number >= DIMENSIONS_AT else 256
    condition = {HELD_AT: "old table held", DIMENSIONS_AT: "other dimensions"}.get(number, "")
    await asyncio.sleep(WINDOW_SECONDS)
    quiet_end = time.monotonic()
    with _hold(stack, number - 1) if number == HELD_AT else contextlib.nullcontext():
        report = await build(stack, pipeline_spec(url, dimensions), f"request-{number}")
    reported_at = time.monotonic()
    http.timeline.reported = number
    assert report.swap is not None
    # The Job reports 1.5 s after COMMIT and then drops old versions: the window holds all of it.
    return SwapRow(
        number=number,
        condition=condition,
        swap_ms=report.swap.milliseconds,
        attempts=report.swap.attempts,
        before=http.timeline.between(quiet_end - WINDOW_SECONDS, quiet_end),
        across=http.timeline.between(reported_at - WINDOW_SECONDS, reported_at),
    )


@contextlib.contextmanager
def _hold(stack: Stack, number: int) -> Iterator[None]:
    """A transaction that keeps the old version's table open, as a pg_dump would."""
    with stack.connect() as connection, connection.transaction():
        connection.execute(f'SELECT count(*) FROM "{chunks_table(number)}"')
        yield


async def twenty_swaps(stack: Stack, folder: Path) -> tuple[list[SwapRow], HttpReaders, SqlReader]:
    with repository(folder, count=80) as (url, checkout):
        checkout.commit(1)
        checkout.push(url)
        spec = pipeline_spec(url)
        await build(stack, spec, "request-1")
        rows = []
        async with readers(stack, spec) as (http, by_name):
            for number in range(2, SWAPS + 2):
                rows.append(await swap_once(stack, url, checkout, http, number))
                print(f"  swap {number - 1}/{SWAPS}: {rows[-1].swap_ms:.1f} ms", flush=True)
            await asyncio.sleep(WINDOW_SECONDS)
    return rows, http, by_name
