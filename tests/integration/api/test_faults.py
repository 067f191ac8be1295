"""Postgres away: words, and recovery."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from psycopg import sql
from psycopg.conninfo import make_conninfo

from dev.stack import start_postgres
from ragwright_core.stores import NotMountedError
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.kit.api import (
    Api,
    Clock,
    build,
    frozen,
    server_processes,
    serving,
    until,
)

pytestmark = pytest.mark.faults
REFUNDS = "Refunds are paid within 14 days. Opened software is not refunded."


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server that a test may stop."""
    server = start_postgres(tmp_path_factory.mktemp("pg") / "data")
    yield server
    server.ensure_postgres_running()
    server.cleanup()


@pytest.fixture
async def fragile(own_postgres: Any, pipeline: Pipeline) -> Pipeline:
    """A pipeline in a database that a test may stop."""
    own_postgres.ensure_postgres_running()
    with psycopg.connect(own_postgres.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    stores = Stores(own_postgres.get_uri(), pipeline.stores.redis_url)
    moved = replace(pipeline, stores=stores)
    await build(moved, "r1", refunds=REFUNDS)
    return moved


async def answers(api: Api, **fields: Any) -> bool:
    return (await api.post(**fields)).status_code == 200


@pytest.mark.row(12, "Postgres away while questions are asked")
async def test_without_postgres_it_says_so_and_recovers_by_itself(
    fragile: Pipeline, own_postgres: Any
) -> None:
    clock = Clock()
    async with serving(fragile, clock=clock) as api:
        await until(api.is_ready)
        await api.ask("a question that is cached")
        await asyncio.to_thread(own_postgres.stop)
        clock.pass_by(1.0)
        *refused, invalidation, index = await asyncio.gather(
            api.post("a question that is cached"),
            api.post("another"),
            api.http.post("/api/rag/invalidate-cache"),
            api.internal.get("/index"),
        )
        for reply in refused:
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
            assert reply.json()["error"] == "database_unavailable"
            assert "which index version is live" in reply.json()["message"]
        assert (invalidation.status_code, index.status_code) == (503, 503)
        assert await api.is_ready()
        assert (await api.internal.get("/livez")).status_code == 200
        assert await api.metric("ragwright_errors_total", reason="database_unavailable") == 3
        await asyncio.to_thread(own_postgres.ensure_postgres_running)
        await until(lambda: answers(api))
        assert (await api.ask("a question that is cached"))["from_cache"] is True


@pytest.mark.row(12, "Postgres restarted")
async def test_a_restart_of_postgres_costs_no_question(
    fragile: Pipeline, own_postgres: Any
) -> None:
    """Every pooled connection is dead afterwards; none of them is anybody's error."""
    clock = Clock()
    async with serving(fragile, clock=clock) as api:
        await asyncio.gather(*(api.ask(f"question {n}", use_cache=False) for n in range(20)))
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.to_thread(own_postgres.ensure_postgres_running)
        for n in range(10):
            clock.pass_by(1.0)
            await api.ask(f"question {n}", use_cache=False)


@pytest.mark.row(12, "Postgres frozen")
async def test_a_frozen_postgres_is_told_within_five_seconds(fragile: Pipeline) -> None:
    clock = Clock()
    async with serving(fragile, clock=clock) as api:
        await asyncio.gather(*(api.ask(f"question {n}", use_cache=False) for n in range(5)))
        with frozen(*server_processes(fragile.stores.database_url)):
            began = time.monotonic()
            replies = await asyncio.gather(
                *(api.post(f"question {n}", use_cache=False) for n in range(5))
            )
            assert time.monotonic() - began < 5
            assert {reply.status_code for reply in replies} == {503}
            clock.pass_by(1.0)
            began = time.monotonic()
            assert (await api.post()).status_code == 503
            assert time.monotonic() - began < 5
        await until(lambda: answers(api), seconds=30)


async def test_searches_that_hang_keep_no_cached_answer_back(
    pipeline: Pipeline, redis_client: redis.Redis
) -> None:
    clock = Clock()
    await build(pipeline, "r1", refunds=REFUNDS)
    async with serving(pipeline, clock=clock) as api:
        await api.ask("a question that is cached")
        with pipeline.connect() as connection, connection.transaction():
            connection.execute("LOCK TABLE chunks_v1")
            hanging = [asyncio.create_task(api.post(f"question {n}")) for n in range(12)]
            await until(lambda: len(api.running.public.ask.flights) == 12)
            for _ in range(3):
                clock.pass_by(1.0)
                assert (await api.ask("a question that is cached"))["from_cache"] is True
            assert not any(task.done() for task in hanging)
        assert {reply.status_code for reply in await asyncio.gather(*hanging)} == {200}


async def test_it_starts_before_its_secret_and_its_extension(
    own_postgres: Any, pipeline: Pipeline
) -> None:
    own_postgres.ensure_postgres_running()
    server = own_postgres.get_uri()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS fresh")
        connection.execute("CREATE DATABASE fresh")
    url = own_postgres.get_uri(database="fresh")
    there: list[str] = []

    def database_url() -> str:
        if not there:
            raise NotMountedError("/etc/ragwright/database/uri is not there")
        return there[0]

    async with serving(pipeline, database_url=database_url) as api:
        await until(lambda: _waits_for(api, "/etc/ragwright/database/uri is not there"))
        assert (await api.post()).status_code == 503
        there.append(url)
        # No pgvector yet: nothing can be live, and it is ready to say so.
        await until(api.is_ready)
        assert (await api.post()).json()["error"] == "no_index"
        moved = replace(pipeline, stores=Stores(url, pipeline.stores.redis_url))
        await build(moved, "r1", refunds=REFUNDS)
        await until(lambda: answers(api))
        assert '"event": "ready"' in api.log.getvalue()


async def _waits_for(api: Api, words: str) -> bool:
    reply = await api.internal.get("/readyz")
    return reply.status_code == 503 and words in reply.text


async def test_a_rotated_database_login_needs_no_restart(fragile: Pipeline) -> None:
    """The old role is locked out and its sessions are ended, as who rotates credentials does."""
    url = make_conninfo(fragile.stores.database_url, user="first")
    urls = [url]
    with psycopg.connect(fragile.stores.database_url, autocommit=True) as admin:
        for role in ("first", "second"):
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER").format(sql.Identifier(role)))
        async with serving(fragile, database_url=lambda: urls[0]) as api:
            assert (await api.post(use_cache=False)).status_code == 200
            urls[0] = make_conninfo(fragile.stores.database_url, user="second")
            admin.execute("ALTER ROLE first NOLOGIN")
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'first'"
            )
            for _ in range(10):
                assert (await api.post(use_cache=False)).status_code == 200
            users = admin.execute(
                "SELECT DISTINCT usename FROM pg_stat_activity WHERE usename IN ('first', 'second')"
            ).fetchall()
            assert users == [("second",)]


def test_the_helpers_freeze() -> None:
    """What freezes others must do so, or the tests above prove nothing."""
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    with frozen(pid):
        assert os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT) is not None
        assert Path(f"/proc/{pid}/stat").read_text().rsplit(") ")[1][0] == "T"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
