"""Postgres' primary dies and its standby takes over, under a load, a swap and questions.

Replication is synchronous: what was committed is there afterwards.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import psycopg
import pytest
import redis

from dev.demo.judge import MARK, stamp
from dev.servers.git_server import GitServer
from dev.servers.openai_server import Endpoint
from ragwright_core.contract import AFTER_COMMIT_SECONDS
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason, Report
from ragwright_ingest.commands.index import index
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai, states, tables
from tests.integration.ingest.test_rollback import texts
from tests.kit.api import Clock, frozen, program, serving
from tests.kit.faults.documents import QUESTIONS, documents
from tests.kit.faults.reader import Reader
from tests.kit.faults.table import Record
from tests.kit.postgres import Server, Servers
from tests.kit.waiting import until

FILLERS = 16


@dataclass
class Pair:
    primary: Server
    standby: Server


@pytest.fixture
def pair(own: Servers) -> Pair:
    primary = own.start(own.new("one"))
    return Pair(primary, own.standby_of(primary, "two"))


def commit(git: GitServer, revision: int) -> None:
    """Two batches of documents whose every sentence carries its revision."""
    files = {name: text.encode() for name, text in documents(revision).items()}
    for number in range(FILLERS):
        lines = (f"Page {number} has a line {line}, about nothing much." for line in range(20))
        files[f"filler{number}.md"] = stamp("\n\n".join(lines), revision).encode()
    git.commit(files)


def end_state(pipeline: Pipeline) -> dict[str, Any]:
    """All that a build leaves in the database, without ids and times."""
    return {
        "live": pipeline.rows("SELECT number, term, epoch FROM live"),
        "tables": tables(pipeline),
        "versions": pipeline.rows(
            "SELECT number, state, manifest, documents, failed, chunks, embedded, reused "
            "FROM index_version ORDER BY number"
        ),
        "documents": pipeline.rows("SELECT path, hash, state FROM documents ORDER BY path"),
        "chunks": [
            (path, line, text, tuple(embedding.to_list()))
            for path, line, text, embedding in pipeline.rows(
                "SELECT path, first_line, text, embedding FROM chunks ORDER BY path, first_line"
            )
        ],
    }


def marks(asked: dict[str, Any]) -> str:
    """A language model that repeats the marks of what it was shown."""
    return " ".join(found[0] for found in MARK.finditer(asked["messages"][1]["content"]))


def twin(pipeline: Pipeline) -> Pipeline:
    """The same under another name, built without a fault."""
    identity = pipeline.identity.model_copy(update={"name": "twin"})
    return replace(pipeline, identity=identity)


def run_load(pipeline: Pipeline) -> tuple[int, str | None]:
    """The real program: its exit code, and what stopped it."""
    file = pipeline.folder / "report"
    code = pipeline.start("load", "r2", file).wait(timeout=60)
    problem = Report.model_validate_json(file.read_text()).problem
    return code, problem.reason if problem else None


def loaded(pipeline: Pipeline) -> set[str]:
    return {text for (text,) in pipeline.rows("SELECT text FROM chunks_v2")}


def answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        reply = httpx.post(f"{url}/api/rag/query", json={"question": QUESTIONS[0]}, timeout=10)
        return reply.status_code == 200
    return False


def quiet(reader: Reader) -> bool:
    return time.monotonic() - reader.excused_at > 1


@dataclass
class DiesInMidBatch:
    """An endpoint's `spoil`: before it answers the second batch, the primary dies."""

    primary: Server
    pipeline: Pipeline
    batches: int = 0
    committed: set[str] = field(default_factory=set)

    def __call__(self, vectors: list[list[float]]) -> list[list[float]]:
        self.batches += len(vectors) > 10  # neither a question nor the fixed sentences
        if self.batches == 2 and not self.committed:
            self.committed = loaded(self.pipeline)
            self.primary.kill()
        return vectors


@pytest.fixture
def loading(pair: Pair, pipeline: Pipeline, git: GitServer, endpoint: Endpoint) -> Pipeline:
    """Its URI names both servers, the standby first. Version 1 is live; its twin has 2."""
    url = f"postgresql://postgres@/postgres?host={pair.standby.socket},{pair.primary.socket}"
    source = {"name": "docs", "git": {"url": git.url}}
    llm = {"provider": "openai", "base_url": endpoint.url, "model": "m"}
    endpoint.told.answer = marks
    made = replace(openai(pipeline, endpoint), stores=Stores(url, None))
    made = made.having(sources=[source], llm=llm)
    commit(git, 1)
    made.build("r1")
    twin(made).build("r1")
    commit(git, 2)
    twin(made).build("r2")
    return made


@pytest.mark.row(13, "Postgres' primary SIGKILLed in mid-load, its standby promoted")
def test_a_load_goes_on_after_a_fail_over(
    record: Record, pair: Pair, loading: Pipeline, endpoint: Endpoint, valkey: str
) -> None:
    dies = DiesInMidBatch(pair.primary, loading)
    with program(loading, REDIS_URL=valkey) as api:
        until(lambda: answers(api.url), "the service is up")
        reader = Reader(api.url, api.internal_url, QUESTIONS, reported=1)
        with reader.asking():
            until(lambda: reader.count("ok") > 20, "questions are answered")
            reader.excusing, endpoint.told.spoil = True, dies
            assert run_load(loading) == (1, Reason.DATABASE_UNAVAILABLE)
            with pytest.raises(ProblemError, match="nothing listens there"):
                loading.load("r2")
            with pytest.raises(ProblemError, match="it takes no writes: it is a standby"):
                replace(loading, stores=Stores(pair.standby.url, None)).load("r2")
            until(lambda: reader.excused, "questions are refused")
            promoted = time.monotonic()
            pair.standby.execute("SELECT pg_promote()")
            until(lambda: answers(api.url), "questions are answered again")
            until(lambda: quiet(reader), "all of them are")
            reader.excusing = False
            record.at_most("last refused after s", max(0, reader.excused_at - promoted), 5)
            assert loaded(loading) == dies.committed
            asked = len(endpoint.told.texts)
            loading.load("r2")
            waiting = replace(loading.around, wait=time.sleep)
            assert index(loading.order("r2"), waiting).outcome == "swapped"
            reader.reported = 2
            assert not dies.committed.intersection(endpoint.told.texts[asked:])
            until(lambda: reader.tally.answered_from[2] > 20, "the new version is read")
    for name in ("failed", "mixed", "stale", "unmarked"):
        record.exactly(name, reader.count(name), 0, str(reader.tally.summary()))
    record.exactly("term went back", reader.terms_back(), 0)
    assert end_state(loading) == end_state(twin(loading))


def take_over(own: Servers, pair: Pair) -> None:
    assert pair.standby.execute("SELECT pg_promote()")
    own.lead(pair.standby)


def indexed(pipeline: Pipeline, after_step: Callable[[str], None]) -> Report:
    return index(pipeline.order("r2"), replace(pipeline.around, after_step=after_step))


Through = Callable[[Pipeline, Servers, Pair], None]


def after(step: str) -> Through:
    def through(pipeline: Pipeline, own: Servers, pair: Pair) -> None:
        def fail_over(done: str) -> None:
            if done == step:
                pair.primary.kill()
                take_over(own, pair)

        indexed(pipeline, fail_over)

    return through


def at_commit(pipeline: Pipeline, own: Servers, pair: Pair) -> None:
    """The primary dies while COMMIT waits for the standby."""
    still = threading.Event()
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:

        def freeze(done: str) -> None:
            if done == "joined":
                stack.enter_context(frozen(*pair.standby.processes))
                still.set()

        running = pool.submit(indexed, pipeline, freeze)
        assert still.wait(30)
        until(lambda: pair.primary.execute(WAITS_FOR_STANDBY), "COMMIT waits")
        pair.primary.kill()
        stack.close()
        take_over(own, pair)
        running.result()


WAITS_FOR_STANDBY = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
OLD, NEW = "The refund policy gives the money back.", "The refund policy gives a voucher instead."


@pytest.fixture
def swapping(own: Servers, pair: Pair, pipeline: Pipeline, redis_client: redis.Redis) -> Pipeline:
    """Its address leads to the primary, as that of a Service does. Version 2 is loaded."""
    stores = Stores(own.address(pair.primary), pipeline.stores.redis_url)
    made = replace(pipeline, stores=stores)
    made.write(a=OLD)
    made.build("r1")
    made.write(a=NEW)
    made.load("r2")
    return made


@pytest.mark.row(13, "Postgres' primary SIGKILLed around the swap's COMMIT, its standby promoted")
@pytest.mark.parametrize(
    "through", [after("joined"), at_commit, after("swapped")], ids=["before", "at", "after"]
)
async def test_a_swap_meets_a_fail_over(
    own: Servers, pair: Pair, swapping: Pipeline, through: Through
) -> None:
    clock = Clock()
    async with serving(swapping, clock=clock) as api:
        assert OLD in (await api.ask())["answer"]
        with pytest.raises(psycopg.OperationalError):
            await asyncio.to_thread(through, swapping, own, pair)
        # What was committed is kept, and the swap itself goes on where it was not.
        assert swapping.value("SELECT number FROM live") == 2
        clock.pass_by(AFTER_COMMIT_SECONDS)
        assert NEW in (await api.ask())["answer"]
        report = await asyncio.to_thread(swapping.index, "r2")
        assert (report.outcome, report.number) == ("swapped", 2)
        clock.pass_by(AFTER_COMMIT_SECONDS)
        assert NEW in (await api.ask())["answer"]
    assert swapping.rows("SELECT number, term FROM live") == [(2, 2)]
    assert states(swapping) == {1: "kept", 2: "live"}
    assert texts(swapping) == [NEW]


@pytest.mark.row(13, "Postgres fails over, and the old primary is not stopped")
def test_an_old_primary_that_was_not_fenced_is_left_within_seconds(
    record: Record, own: Servers, pair: Pair, pipeline: Pipeline, valkey: str
) -> None:
    """Nobody tells the service: its connections stay open, and the old server answers them."""
    made = replace(pipeline, stores=Stores(own.address(pair.primary), valkey))
    made.write(a="the old text")
    made.build("r1")
    with program(made, REDIS_URL=valkey) as api:

        def told() -> str:
            reply = httpx.post(
                f"{api.url}/api/rag/query", json={"question": "Which text?"}, timeout=10
            )
            return str(reply.json().get("answer", ""))

        until(lambda: answers(api.url), "the service is up")
        assert "old" in told()
        assert pair.standby.execute("SELECT pg_promote()")
        own.lead(pair.standby)
        made.write(a="the new text")
        assert made.build("r2").outcome == "swapped"
        swapped = time.monotonic()
        until(lambda: "new" in told(), "the new version answers", seconds=20)
        record.at_most("answered by the old one for s", time.monotonic() - swapped, 10)
        assert all("new" in told() for _ in range(20))
