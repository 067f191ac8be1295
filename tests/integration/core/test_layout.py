"""The schema: extension, migrations and owner, and what a person is told when they do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ragwright_core.index.migrations import MIGRATIONS
from ragwright_core.names import Identity
from ragwright_core.problems import ProblemError
from ragwright_core.report import Problem, Reason
from ragwright_ingest.database import open_database
from tests.integration.conftest import Pipeline

PASSWORD = "kept-from-every-report"


@pytest.fixture
def empty_database(postgres: str) -> Iterator[str]:
    """A database without pgvector, owned by the superuser."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE other")
        yield psycopg.conninfo.make_conninfo(postgres, dbname="other")
        connection.execute("DROP DATABASE other WITH (FORCE)")


@pytest.fixture
def plain_role(postgres: str) -> Iterator[str]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE plain LOGIN PASSWORD {}").format(PASSWORD))
        yield "plain"
        connection.execute("DROP OWNED BY plain")
        connection.execute("DROP ROLE plain")


def refused(url: str, identity: Identity) -> Problem:
    with pytest.raises(ProblemError) as stopped:
        open_database(url, identity)
    return stopped.value.problem


def test_an_empty_database_gets_all_it_needs(empty_database: str, pipeline: Pipeline) -> None:
    connection, version = open_database(empty_database, pipeline.identity)

    with connection:
        assert version >= (0, 8, 2)
        assert connection.execute("SELECT version FROM layout").fetchall() == [
            (number,) for number in range(1, len(MIGRATIONS) + 1)
        ]
        assert connection.execute("SELECT cluster, uid FROM owner").fetchall() == [
            (pipeline.identity.cluster, pipeline.identity.uid)
        ]


def test_many_at_once_make_one_layout(empty_database: str, pipeline: Pipeline) -> None:
    def ensure(_: int) -> None:
        connection, _version = open_database(empty_database, pipeline.identity)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ensure, range(16)))

    with psycopg.connect(empty_database, autocommit=True) as connection:
        layout = sql.Identifier(pipeline.schema, "layout")
        rows = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(layout)).fetchall()
    assert rows == [(len(MIGRATIONS),)]


def test_without_the_right_to_create_the_extension(
    empty_database: str, plain_role: str, pipeline: Pipeline
) -> None:
    """The administrator is given the very statement; after it, the same role goes on."""
    url = psycopg.conninfo.make_conninfo(empty_database, user=plain_role, password=PASSWORD)

    problem = refused(url, pipeline.identity)

    assert problem.reason is Reason.EXTENSION_MISSING
    assert "CREATE EXTENSION vector;" in problem.message
    assert PASSWORD not in problem.message
    with psycopg.connect(empty_database, autocommit=True) as administrator:
        administrator.execute("CREATE EXTENSION vector")
        schema_refused = refused(url, pipeline.identity)
        assert schema_refused.reason is Reason.DATABASE_FORBIDDEN
        statement = f'CREATE SCHEMA "{pipeline.schema}" AUTHORIZATION "plain";'
        assert schema_refused.message.endswith(statement)
        administrator.execute(statement.encode())
        connection, _ = open_database(url, pipeline.identity)
        connection.close()
        administrator.execute("DROP OWNED BY plain CASCADE")


def test_an_old_pgvector_is_refused(pipeline: Pipeline, extension_version: Any) -> None:
    extension_version("0.7.4")

    problem = refused(pipeline.stores.database_url, pipeline.identity)

    assert problem.reason is Reason.EXTENSION_TOO_OLD
    assert "0.7.4" in problem.message
    assert "ALTER EXTENSION vector UPDATE;" in problem.message


def test_below_0_8_2_indexes_are_built_serially(pipeline: Pipeline, extension_version: Any) -> None:
    extension_version("0.8.1")
    pipeline.write(a="text")

    report = pipeline.having(ingest={"indexWorkers": 2}).build("r1")

    assert report.outcome == "swapped"
    assert len(report.warnings) == 1
    assert "CVE-2026-3172" in report.warnings[0]


@pytest.fixture
def extension_version(postgres: str) -> Iterator[Any]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        update = "UPDATE pg_extension SET extversion = %s WHERE extname = 'vector'"
        ((before,),) = connection.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
        ).fetchall()
        yield lambda version: connection.execute(update, [version])
        connection.execute(update, [before])


def test_a_newer_layout_is_refused(pipeline: Pipeline) -> None:
    open_database(pipeline.stores.database_url, pipeline.identity)[0].close()
    pipeline.rows("INSERT INTO layout (version) VALUES (9) RETURNING 1")

    problem = refused(pipeline.stores.database_url, pipeline.identity)

    assert problem.reason is Reason.LAYOUT_TOO_NEW
    assert f"has layout 9, this program knows {len(MIGRATIONS)}" in problem.message


def test_another_cluster_is_refused_until_it_adopts(pipeline: Pipeline) -> None:
    pipeline.write(a="text")
    pipeline.build("r1")
    url, here = pipeline.stores.database_url, pipeline.identity
    elsewhere = here.model_copy(update={"cluster": "there", "uid": "new"})

    problem = refused(url, elsewhere)
    wrong = refused(url, elsewhere.model_copy(update={"adopt": "not-it"}))
    adopting = elsewhere.model_copy(update={"adopt": here.uid})
    open_database(url, adopting)[0].close()

    assert problem.reason is wrong.reason is Reason.SCHEMA_OWNED
    assert f"ragwright.dev/adopt={here.uid}" in problem.message
    assert pipeline.rows("SELECT cluster, uid FROM owner") == [("there", "new")]
    assert pipeline.value("SELECT number FROM live") == 1
    assert refused(url, here).reason is Reason.SCHEMA_OWNED


def test_a_pipeline_made_again_in_its_cluster_finds_its_index(pipeline: Pipeline) -> None:
    pipeline.write(a="text")
    pipeline.build("r1")
    successor = replace(pipeline, identity=pipeline.identity.model_copy(update={"uid": "second"}))

    report = successor.load("r2")

    assert (report.outcome, report.number) == ("unchanged", 1)
    assert pipeline.value("SELECT uid FROM owner") == "second"
