"""Texts are stored whatever the role or the environment says of encodings."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.integration.ingest.test_gates import role_with

TEXT = "# 如何 “quoted” Straße 🦊"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP"])
def test_a_role_with_an_encoding_of_its_own(pipeline: Pipeline, encoding: str) -> None:
    pipeline.write(a=TEXT)
    with role_with(pipeline, "client_encoding", encoding) as other:
        assert other.build("r1").outcome == "swapped"
        assert pipeline.rows("SELECT text FROM chunks") == [(TEXT,)]


def test_an_environment_with_an_encoding_of_its_own(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    pipeline.write(a=TEXT)
    assert pipeline.build("r1").outcome == "swapped"
    monkeypatch.delenv("PGCLIENTENCODING")
    assert pipeline.rows("SELECT text FROM chunks") == [(TEXT,)]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_refused_in_words(
    pipeline: Pipeline, encoding: str
) -> None:
    name = f"of_{encoding.lower()}"
    url = pipeline.stores.database_url
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0".encode()
        )
        other = Stores(psycopg.conninfo.make_conninfo(url, dbname=name), None)
        try:
            with pytest.raises(ProblemError) as stopped:
                replace(pipeline, stores=other).load("r1")
        finally:
            admin.execute(f"DROP DATABASE {name}".encode())
    problem = stopped.value.problem
    assert problem.reason is Reason.DATABASE_ENCODING
    assert f"database {name} is {encoding}" in problem.message
    assert "ENCODING 'UTF8'" in problem.message
