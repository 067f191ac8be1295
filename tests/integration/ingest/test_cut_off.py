"""Workers whose node loses its network: a cable is pulled, and no FIN reaches the server."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dev.servers import openai_server
from ragwright_core.report import Reason, Report
from ragwright_ingest.database import open_database
from ragwright_ingest.settings import Stores
from tests.conftest import Holds
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_build import openai
from tests.integration.ingest.test_workers import DOCUMENTS, assert_each_document_once
from tests.kit.faults.table import Record
from tests.kit.netns import (
    SERVER_ADDRESS,
    WORKER_ADDRESS,
    Cable,
    cable,
    inside,
    served_inside,
)
from tests.kit.postgres import Server, Servers
from tests.kit.waiting import until

ROOT = Path(__file__).parents[3]
URL = f"postgresql://postgres@{SERVER_ADDRESS}/postgres"


WAITS_FOR_ROW = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
# What a busy machine may add, in seconds.
SLOW = 10


@dataclass
class Hold:
    """An endpoint's `spoil`: so many batches of chunks wait until `over`, later ones do not."""

    batches: int
    over: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0

    def __call__(self, vectors: list[list[float]]) -> list[list[float]]:
        if len(vectors) > 3 and self.waiting < self.batches:  # three are the fixed sentences
            self.waiting += 1
            assert self.over.wait(120)
        return vectors


@dataclass
class Split:
    """Postgres and a model on one node, workers on another or beside them; the test itself comes
    through Postgres' socket."""

    cable: Cable
    server: Server
    pipeline: Pipeline
    told: openai_server.Told
    sooner: bool
    stack: ExitStack

    def worker(self, name: str, namespace: str) -> subprocess.Popen[bytes]:
        options = ["sooner"] if self.sooner else []
        folder = self.pipeline.folder
        command = [sys.executable, "-m", "tests.kit.sooner", str(folder / "sources")]
        process = subprocess.Popen(
            [*inside(namespace), *command, *options],
            env={**self.pipeline.environment("r1", self.report_of(name)), "VECTOR_DB_URL": URL},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def other_finishes(self) -> None:
        """A worker beside the server, to which nothing has happened."""
        assert self.worker("other", self.cable.server).wait(120) == 0, self.report_of("other")
        assert_each_document_once(self.pipeline)

    def report_of(self, name: str) -> Path:
        return self.pipeline.folder / f"report-{name}"

    def cut_off(self) -> int:
        """Connections that the server still holds with the other node."""
        count = self.server.execute(
            f"SELECT count(*) FROM pg_stat_activity WHERE client_addr = '{WORKER_ADDRESS}'"
        )
        return int(count)

    def seconds_until_given_up(self) -> float:
        began = time.monotonic()
        until(lambda: not self.cut_off(), "the server gives the worker up", seconds=120)
        return time.monotonic() - began


@pytest.fixture
def split(own: Servers, pipeline: Pipeline, holds: Holds) -> Iterator[Split]:
    with ExitStack() as stack:
        lan = stack.enter_context(cable())
        made = own.new("server")
        with (made.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {SERVER_ADDRESS}/30 trust\n")
        server = replace(
            made, inside=inside(lan.server), settings={"listen_addresses": SERVER_ADDRESS}
        )
        stack.callback(server.stop)
        server.start()
        serve = partial(openai_server.serve, SERVER_ADDRESS)
        endpoint = stack.enter_context(served_inside(lan.server, serve))
        pipeline = replace(openai(pipeline, endpoint), stores=Stores(server.url, None))
        text = "\n\n".join(f"Sentence {n} of %s, which says something." for n in range(12))
        pipeline.write(**{f"page{n}": text.replace("%s", str(n)) for n in range(DOCUMENTS)})
        yield Split(lan, server, pipeline, endpoint.told, holds.silent_worker < 60, stack)


@pytest.mark.row(15, "a worker cut off in its network namespace while it embeds, and SIGKILLed")
def test_what_a_worker_held_that_was_cut_off_comes_free(
    split: Split, record: Record, holds: Holds
) -> None:
    """Beside it one that lives on, and wakes when all is done: it must change nothing."""
    split.told.spoil = hold = Hold(batches=2)
    dead, alive = (split.worker(name, split.cable.worker) for name in ("dead", "alive"))
    until(lambda: hold.waiting == 2, "both have claimed documents and embed them")
    split.cable.pull()
    dead.kill()
    dead.wait()
    assert split.cut_off() == 2
    seconds = split.seconds_until_given_up()
    record.at_most("given up after s", seconds, holds.silent_worker + SLOW)
    split.other_finishes()
    split.cable.plug()
    hold.over.set()
    assert alive.wait(60) == 1
    assert reason(split.report_of("alive")) is Reason.DATABASE_UNAVAILABLE
    assert_each_document_once(split.pipeline)


@pytest.mark.row(15, "a worker cut off while Postgres' answer is under way, and SIGKILLed")
def test_an_answer_that_nobody_takes_ends_the_session(
    split: Split, record: Record, holds: Holds
) -> None:
    """Keepalives say nothing here: what was sent and not acknowledged counts."""
    split.told.spoil = hold = Hold(batches=1)
    dead = split.worker("dead", split.cable.worker)
    until(lambda: hold.waiting, "it has claimed documents")
    with psycopg.connect(split.server.url) as holder:
        holder.execute(f'SELECT 1 FROM "{split.pipeline.schema}".index_version FOR UPDATE')
        hold.over.set()
        until(lambda: split.server.execute(WAITS_FOR_ROW), "the batch waits for its counts' row")
        split.cable.pull()
        dead.kill()
        dead.wait()
    assert split.cut_off() == 1
    seconds = split.seconds_until_given_up()
    record.at_most("given up after s", seconds, holds.silent_worker + SLOW)
    split.other_finishes()


def test_the_true_session_gives_a_silent_worker_up_within_a_minute(split: Split) -> None:
    def connect() -> AbstractContextManager[psycopg.Connection[Any]]:
        return closing(open_database(URL, split.pipeline.identity)[0])

    with served_inside(split.cable.server, connect) as connection:
        shown = {
            name: connection.execute(f"SHOW tcp_{name}".encode()).fetchone()
            for name in ("keepalives_idle", "keepalives_interval", "user_timeout")
        }
    assert shown == {
        "keepalives_idle": ("30",),
        "keepalives_interval": ("10",),
        "user_timeout": ("60000",),
    }


def reason(report: Path) -> str | None:
    problem = Report.model_validate_json(report.read_text()).problem
    return problem.reason if problem else None
