"""The swap by term, and the drop: what else goes on in the database at that moment."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ragwright_core.index import connect as core_connect
from ragwright_core.index.drop import drop_surplus
from ragwright_core.index.swap import NotReadyError, StaleTermError, swap
from ragwright_core.report import Reason
from ragwright_core.spec import Reindex
from ragwright_ingest.commands.index import index
from tests.integration.conftest import Pipeline

KEEP_NONE = Reindex(keep=0)


def connection_to(pipeline: Pipeline, url: str | None = None) -> psycopg.Connection[Any]:
    connection = psycopg.connect(url or pipeline.stores.database_url, autocommit=True)
    core_connect.prepare(connection, pipeline.schema)
    return connection


@pytest.fixture
def built(pipeline: Pipeline) -> Pipeline:
    """Version 1 is live, version 2 is ready."""
    pipeline.write(a="old text")
    pipeline.build("r1")
    pipeline.write(a="new text")
    ready(pipeline, "r2")
    return pipeline


def ready(pipeline: Pipeline, request: str) -> None:
    """Load and index, and stop before the swap."""

    class StopError(Exception):
        pass

    def stop(step: str) -> None:
        if step == "joined":
            raise StopError

    pipeline.load(request)
    with contextlib.suppress(StopError):
        index(pipeline.order(request), replace(pipeline.around, after_step=stop))


def live(pipeline: Pipeline) -> tuple[Any, ...]:
    return pipeline.rows("SELECT number, term FROM live")[0]


def states(pipeline: Pipeline) -> dict[int, str]:
    return dict(pipeline.rows("SELECT number, state FROM index_version"))


def test_a_swap_planned_on_an_old_term_changes_nothing(built: Pipeline) -> None:
    with pytest.raises(StaleTermError, match="planned on term 0; it is 1 now"):
        swap(lambda: connection_to(built), 2, planned_on=0)

    assert live(built) == (1, 1)
    assert states(built) == {1: "live", 2: "ready"}
    assert built.rows("SELECT text FROM chunks") == [("old text",)]


def test_a_stalled_job_cannot_undo_a_rollback(built: Pipeline) -> None:
    """Version 2 goes live; a person rolls back to 1; the first Job wakes up and swaps again."""
    swap(lambda: connection_to(built), 2, planned_on=1)
    swap(lambda: connection_to(built), 1, planned_on=2)

    with pytest.raises(StaleTermError):
        swap(lambda: connection_to(built), 2, planned_on=1)
    rerun = built.index("r2")

    assert rerun.problem is not None
    assert rerun.problem.reason is Reason.SUPERSEDED
    assert live(built) == (1, 3)
    assert states(built) == {1: "live", 2: "kept"}


def test_what_went_live_in_a_newer_world_was_not_swapped_by_an_older_plan(built: Pipeline) -> None:
    for term, number in ((1, 2), (2, 1), (3, 2)):
        swap(lambda: connection_to(built), number, planned_on=term)

    with pytest.raises(StaleTermError, match="planned on term 1; it is 4 now"):
        swap(lambda: connection_to(built), 2, planned_on=1)


def test_a_job_that_was_overtaken_reports_it(built: Pipeline) -> None:
    with built.connect() as other:
        other.execute("UPDATE live SET term = term + 1")

    report = built.index("r2")
    again = built.build("r2")

    assert report.problem is not None
    assert report.problem.reason is Reason.STALE_TERM
    assert (again.outcome, again.number) == ("swapped", 3)


def test_the_same_swap_twice_is_one(built: Pipeline) -> None:
    first = swap(lambda: connection_to(built), 2, planned_on=1)
    again = swap(lambda: connection_to(built), 2, planned_on=1)

    assert first.term == again.term == 2
    assert live(built) == (2, 2)


def test_a_version_that_is_being_dropped_cannot_go_live(built: Pipeline) -> None:
    with built.connect() as other:
        other.execute("UPDATE index_version SET state = 'dropping' WHERE number = 2")

    with pytest.raises(NotReadyError, match="dropping"):
        swap(lambda: connection_to(built), 2, planned_on=1)

    assert live(built) == (1, 1)


@pytest.mark.row(14, "a long reader holds the old tables across the swap")
def test_a_long_reader_delays_nobody(built: Pipeline) -> None:
    """A transaction that holds the old tables and its snapshot reads on; the others the new."""
    with built.connect() as reader, built.connect() as other:
        reader.autocommit = False
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        held = reader.execute("SELECT text FROM chunks").fetchall()

        done = swap(lambda: connection_to(built), 2, planned_on=1)

        assert done.milliseconds < 250
        assert held == reader.execute("SELECT text FROM chunks").fetchall() == [("old text",)]
        assert other.execute("SELECT text FROM chunks").fetchall() == [("new text",)]


@pytest.mark.row(14, "the live row is held")
def test_a_held_pointer_row_is_waited_for(built: Pipeline) -> None:
    with built.connect() as other:
        other.autocommit = False
        other.execute("SELECT 1 FROM live FOR UPDATE")

        done = swap(lambda: connection_to(built), 2, planned_on=1, pause=lambda _: other.rollback())

    assert done.attempts == 2
    assert live(built) == (2, 2)


@contextlib.contextmanager
def proxy_that_loses_commits(
    server: Path, folder: Path, lost: int
) -> Iterator[tuple[str, list[int]]]:
    """A socket before the server's that closes the connection instead of passing on the reply to
    COMMIT, `lost` times. Yields its folder and how many were lost."""
    done: list[int] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / ".s.PGSQL.5432"))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=carry, args=(client,), daemon=True).start()

    def carry(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(str(server))
            committing = threading.Event()

            def replies() -> None:
                while data := upstream.recv(65536):
                    if committing.is_set():
                        client.shutdown(socket.SHUT_RDWR)
                        return
                    client.sendall(data)

            back = threading.Thread(target=replies, daemon=True)
            back.start()
            while data := client.recv(65536):
                if b"COMMIT" in data and len(done) < lost:
                    done.append(1)
                    committing.set()
                upstream.sendall(data)
            upstream.shutdown(socket.SHUT_RDWR)
            back.join()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield str(folder), done
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.row(12, "Postgres cut off at the swap's COMMIT")
def test_a_lost_reply_to_commit_is_read_again(built: Pipeline, tmp_path: Path) -> None:
    info = psycopg.conninfo.conninfo_to_dict(built.stores.database_url)
    server = Path(str(info["host"])) / ".s.PGSQL.5432"

    with proxy_that_loses_commits(server, tmp_path, lost=1) as (folder, lost):
        url = psycopg.conninfo.make_conninfo(built.stores.database_url, host=folder)
        done = swap(lambda: connection_to(built, url), 2, planned_on=1, pause=lambda _: None)

    assert len(lost) == 1
    assert (done.term, done.attempts) == (2, 2)
    assert live(built) == (2, 2)
    assert states(built) == {1: "kept", 2: "live"}


@pytest.mark.row(12, "Postgres stays away at the swap")
def test_a_database_that_stays_away_is_an_error(built: Pipeline) -> None:
    pauses: list[float] = []

    def refuse() -> psycopg.Connection[Any]:
        raise psycopg.OperationalError("connection refused")

    with pytest.raises(psycopg.OperationalError):
        swap(refuse, 2, planned_on=1, pause=pauses.append)

    assert len(pauses) == 7
    assert live(built) == (1, 1)


@pytest.mark.row(14, "a reader holds what is to be dropped")
def test_drop_leaves_what_a_reader_holds_and_takes_it_later(built: Pipeline) -> None:
    swap(lambda: connection_to(built), 2, planned_on=1)
    with built.connect() as reader, connection_to(built) as connection:
        reader.autocommit = False
        reader.execute("SELECT * FROM chunks_v1")

        held = drop_surplus(connection, built.schema, KEEP_NONE, tries=2)

        assert held == [1]
        assert states(built) == {1: "dropping", 2: "live"}
        reader.rollback()
        assert drop_surplus(connection, built.schema, KEEP_NONE, tries=2) == []

    assert states(built) == {1: "dropped", 2: "live"}
    assert built.rows("SELECT to_regclass('chunks_v1'), to_regclass('documents_v1')") == [
        (None, None)
    ]


def test_drop_waits_for_a_short_reader(built: Pipeline) -> None:
    swap(lambda: connection_to(built), 2, planned_on=1)
    with built.connect() as reader, connection_to(built) as connection:
        reader.autocommit = False
        reader.execute("SELECT * FROM chunks_v1")
        threading.Timer(0.4, reader.rollback).start()

        assert drop_surplus(connection, built.schema, KEEP_NONE) == []

    assert states(built)[1] == "dropped"


def test_drop_and_rebuilt_views_never_fail_a_reader_by_stable_name(pipeline: Pipeline) -> None:
    """Six swaps with drops, under a reader that asks without a pause: always one version's text."""
    pipeline = pipeline.having(reindex={"keep": 0})
    pipeline.write(a="revision 0", b="revision 0")
    pipeline.build("r0")
    seen: list[set[str]] = []
    stop = threading.Event()

    def read() -> None:
        with pipeline.connect() as reader:
            while not stop.is_set():
                rows = reader.execute("SELECT text, embedding FROM chunks").fetchall()
                seen.append({text for text, _ in rows})

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for number in range(1, 7):
            pipeline.write(a=f"revision {number}", b=f"revision {number}")
            assert pipeline.build(f"r{number}").warnings == []
    finally:
        stop.set()
        thread.join()

    assert len(seen) > 100
    assert {len(texts) for texts in seen} == {1}
    revisions = [texts.pop() for texts in seen]
    assert revisions == sorted(revisions)
    assert len(set(revisions)) > 3
