"""The API through a real PgBouncer in transaction mode: sessions are anybody's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from dev.debian import NoProgramError, libraries, pgbouncer
from dev.stack import free_port
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.kit import waiting
from tests.kit.api import Clock, build, serving
from tests.kit.postgres import USER, Server, Servers

OLD = "The refund policy gives your money back within thirty days."
NEW = "The refund policy gives a voucher within ten days."
OTHER = "The refund policy of the other team is a handshake."


@contextmanager
def pooler(server: Server, folder: Path) -> Iterator[str]:
    """Before `server`, with a single session for everybody. Yields its URL."""
    port, file = free_port(), folder / "pgbouncer.ini"
    file.write_text(
        f"""
[databases]
* = host={server.socket} user=postgres dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
{f"user = {USER}" if os.geteuid() == 0 else ""}
"""
    )
    found = pgbouncer()
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    environment = {**os.environ, **libraries(found)}
    with subprocess.Popen([str(found), "-q", str(file)], env=environment) as process:
        try:
            waiting.until(lambda: _answers(url), "PgBouncer takes connections")
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url):
        return True
    return False


@pytest.fixture
def server(own: Servers) -> Server:
    return own.start(own.new("postgres"))


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    try:
        pgbouncer()
    except NoProgramError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NOT RUN: {error}")
    with pooler(server, server.data.parent) as found:
        yield found


def through(pipeline: Pipeline, url: str) -> Pipeline:
    """Its API goes by the pooler, its Jobs do not."""
    secret = pipeline.folder / "secrets" / "pooler"
    secret.mkdir(parents=True)
    (secret / "uri").write_text(url)
    database = {"secret_key_ref": {"name": "own"}, "pooled_secret_key_ref": {"name": "pooler"}}
    return pipeline.having(database=database)


async def test_all_that_the_api_asks_goes_through(
    pipeline: Pipeline, server: Server, url: str, redis_client: redis.Redis
) -> None:
    """One session for ten connections, a swap, a filter, the numbers and an invalidation."""
    clock = Clock()
    direct = replace(pipeline, stores=Stores(server.url, pipeline.stores.redis_url))
    await build(direct, "r1", refunds=OLD)
    async with serving(through(direct, url), clock=clock) as api:
        assert OLD in (await api.ask())["answer"]
        for n in range(10):  # more often than psycopg takes to prepare a statement
            assert OLD in (await api.ask(f"What is refund policy {n}?"))["answer"]
        filters = {"path": {"$in": ["refunds.md"]}}
        assert OLD in (await api.ask("And by a filter?", filters=filters))["answer"]
        await build(direct, "r2", refunds=NEW)
        clock.pass_by(1.5)
        assert NEW in (await api.ask())["answer"]
        summary = (await api.internal.get("/index")).json()
        assert (summary["live"]["number"], summary["others"][0]["intact"]) == (2, True)
        reply = await api.http.post("/api/rag/invalidate-cache")
        assert reply.json() == {"status": "cache invalidated"}
    assert direct.value("SELECT epoch FROM live") > 0


async def test_two_pipelines_that_share_a_session_read_their_own(
    pipeline: Pipeline, server: Server, url: str, tmp_path: Path
) -> None:
    one = replace(pipeline, stores=Stores(server.url, pipeline.stores.redis_url))
    folder = tmp_path / "other"
    (folder / "sources" / "docs").mkdir(parents=True)
    identity = one.identity.model_copy(update={"name": "other", "uid": "uid-other"})
    other = replace(one, identity=identity, folder=folder)
    await build(one, "r1", refunds=OLD)
    await build(other, "r1", refunds=OTHER)
    async with serving(through(one, url)) as first, serving(through(other, url)) as second:
        for n in range(8):
            assert OLD in (await first.ask(f"refund {n}?", use_cache=False))["answer"]
            assert OTHER in (await second.ask(f"refund {n}?", use_cache=False))["answer"]
