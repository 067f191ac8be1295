"""Searches on a real streaming replica: they lag, restart and lack versions; answers never do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import redis

from ragwright_api.index.lease import boot_clock
from ragwright_ingest.commands.load import load
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.kit import waiting
from tests.kit.api import Api, Clock, build, serving, until
from tests.kit.postgres import Server, Servers

OLD = "The refund policy gives your money back within thirty days."
NEW = "The refund policy gives a voucher within ten days."


class Replicated:
    """A pipeline on a primary, and a standby that replays as soon as it can."""

    def __init__(self, pipeline: Pipeline, primary: Server, standby: Server) -> None:
        self.pipeline, self.primary, self.standby = pipeline, primary, standby

    def has_caught_up(self) -> bool:
        sent = self.primary.execute("SELECT pg_current_wal_lsn()")
        return bool(self.standby.execute(f"SELECT pg_last_wal_replay_lsn() >= '{sent}'"))

    def pause_with_tables_of(self, number: int) -> None:
        """Replay no more from where a version's tables are there."""
        table = f"{self.pipeline.schema}.chunks_v{number}"
        waiting.until(
            lambda: self.standby.execute(f"SELECT to_regclass('{table}') IS NOT NULL"),
            f"{table} is replayed",
        )
        self.standby.execute("SELECT pg_wal_replay_pause()")

    def searches(self) -> int:
        """How often the standby has read the chunks of any version."""
        found = self.standby.execute(
            "SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0) FROM pg_stat_user_tables "
            "WHERE relname LIKE 'chunks\\_v%'"
        )
        return int(found)


@pytest.fixture
async def replicated(pipeline: Pipeline, own: Servers, redis_client: redis.Redis) -> Replicated:
    primary = own.start(own.new("one"))
    standby = own.start(primary.copy("two", "--write-recovery-conf"))
    moved = replace(pipeline, stores=Stores(primary.url, pipeline.stores.redis_url))
    await build(moved, "r1", refunds=OLD)
    found = Replicated(moved, primary, standby)
    await until(found.has_caught_up)
    return found


@asynccontextmanager
async def reading(found: Replicated, clock: Callable[[], float] = boot_clock) -> AsyncIterator[Api]:
    """An API whose searches go to the standby."""
    secret = found.pipeline.folder / "secrets" / "replicas"
    secret.mkdir(parents=True)
    (secret / "uri").write_text(found.standby.url)
    database = {"secret_key_ref": {"name": "own"}, "read_only_secret_key_ref": {"name": "replicas"}}
    async with serving(found.pipeline.having(database=database), clock=clock) as api:
        yield api


async def passed_over(api: Api) -> float:
    return await api.metric("ragwright_replica_passed_over_total")


async def test_searches_go_to_the_replica(replicated: Replicated) -> None:
    async with reading(replicated) as api:
        for n in range(20):
            await api.ask(f"What is refund policy {n}?")
        assert await passed_over(api) <= 1, "the standby may still have been behind"
    await until(lambda: replicated.searches() >= 19)


async def test_a_replica_that_lags_is_passed_over_and_used_when_it_has_caught_up(
    replicated: Replicated,
) -> None:
    clock = Clock()
    async with reading(replicated, clock) as api:
        await api.ask(use_cache=False)
        replicated.standby.execute("SELECT pg_wal_replay_pause()")
        await build(replicated.pipeline, "r2", refunds=NEW)
        clock.pass_by(1.5)
        before = await passed_over(api)
        for _ in range(5):
            reply = await api.post(use_cache=False)
            assert "voucher" in reply.json()["answer"]
            assert reply.headers["x-ragwright-version"] == "2"
        assert await passed_over(api) == before + 5
        replicated.standby.execute("SELECT pg_wal_replay_resume()")

        async def is_used() -> bool:
            seen = await passed_over(api)
            assert "voucher" in (await api.ask(use_cache=False))["answer"]
            return await passed_over(api) == seen

        await until(is_used)


async def test_a_version_whose_rows_are_not_all_there_is_passed_over(
    replicated: Replicated,
) -> None:
    """Its tables stand on the replica already, empty: they must not be taken for the whole."""
    replicated.pipeline.write(refunds=NEW)
    pipeline, clock = replicated.pipeline, Clock()

    def pause(step: str) -> None:
        if step == "listed":
            replicated.pause_with_tables_of(2)

    async with reading(replicated, clock) as api:
        around = replace(pipeline.around, after_step=pause)
        await asyncio.to_thread(load, pipeline.order("r2"), around)
        await asyncio.to_thread(pipeline.index, "r2")
        clock.pass_by(1.5)
        reply = await api.post(use_cache=False)
        assert "voucher" in reply.json()["answer"]
        assert await passed_over(api) >= 1


async def test_without_the_replica_the_primary_answers(replicated: Replicated) -> None:
    async with reading(replicated) as api:
        await api.ask(use_cache=False)
        await asyncio.to_thread(replicated.standby.stop)
        for _ in range(10):
            assert (await api.post(use_cache=False)).status_code == 200
        assert await passed_over(api) <= 5, "it is left alone for a while after each failure"
