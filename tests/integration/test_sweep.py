"""`ragwright-ingest sweep`: what pipelines left behind in an external database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ragwright_ingest.settings import Stores
from ragwright_ingest.sweep import SweepError, known_schemas
from tests.integration.conftest import Pipeline


@pytest.fixture
def alone(pipeline: Pipeline) -> Iterator[Pipeline]:
    """A pipeline with a version, in a database without any other."""
    name = f"sweep_{os.getpid()}"
    with psycopg.connect(pipeline.stores.database_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        url = psycopg.conninfo.make_conninfo(pipeline.stores.database_url, dbname=name)
        made = replace(pipeline, stores=Stores(url, None))
        made.write(a="some text")
        made.build("r1")
        yield made
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def listing(*names: tuple[str, str]) -> str:
    items = [
        {"kind": "RagPipeline", "metadata": {"namespace": space, "name": name}}
        for space, name in names
    ]
    return json.dumps({"kind": "List", "items": items})


def swept(pipeline: Pipeline, given: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "ragwright-ingest", "sweep", *arguments],
        env={**os.environ, "VECTOR_DB_URL": pipeline.stores.database_url},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def schemas(pipeline: Pipeline) -> list[str]:
    return [
        name
        for (name,) in pipeline.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ '^rag_'")
    ]


def test_a_pipeline_that_exists_is_left_alone(alone: Pipeline) -> None:
    there = listing((alone.identity.namespace, alone.identity.name))
    done = swept(alone, there, "--drop", "--yes")
    assert (done.returncode, done.stdout) == (0, "no schema is left over\n")
    assert schemas(alone) == [alone.schema]


def test_what_is_left_is_shown_and_only_dropped_when_asked(alone: Pipeline) -> None:
    with alone.connect() as connection:
        connection.execute("CREATE SCHEMA rag_of_somebody_else")
    done = swept(alone, listing(("other", "docs")))
    head, row = done.stdout.splitlines()
    assert head.split() == ["SCHEMA", "CLUSTER", "UID", "LIVE", "MIB", "SINCE"]
    assert row.split()[:4] == [alone.schema, "here", alone.identity.uid[:8], "1"]
    assert max(map(len, (head, row))) <= 100
    told: list[dict[str, Any]] = json.loads(swept(alone, listing(), "-o", "json").stdout)
    assert [(item["schema"], item["live"]) for item in told] == [(alone.schema, 1)]
    refused = swept(alone, listing(), "--drop")
    assert refused.returncode == 2
    assert "add --yes" in refused.stderr
    assert alone.schema in schemas(alone)
    dropped = swept(alone, listing(), "--drop", "--yes")
    assert f"dropped {alone.schema}" in dropped.stdout
    assert schemas(alone) == ["rag_of_somebody_else"]


def test_schemas_of_another_cluster_are_dropped_only_by_its_name(alone: Pipeline) -> None:
    identity = alone.identity.model_copy(update={"cluster": "there", "name": "elsewhere"})
    replace(alone, identity=identity).build("r1")
    unclear = swept(alone, listing(), "--drop", "--yes")
    assert unclear.returncode == 2
    assert "--cluster here or there" in unclear.stderr
    swept(alone, listing(), "--drop", "--yes", "--cluster", "there")
    assert schemas(alone) == [alone.schema]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "standard input holds no list of pipelines"),
        ("[]", "standard input holds no list of pipelines"),
        ('{"items": [{"kind": "Pod", "metadata": {}}]}', "other things than RagPipelines"),
    ],
)
def test_a_list_that_is_none_says_what_to_pipe(given: str, words: str) -> None:
    with pytest.raises(SweepError, match=words) as error:
        known_schemas(given)
    assert "kubectl get rag -A -o json | ragwright-ingest sweep" in str(error.value)


def test_without_a_list_nothing_is_dropped(alone: Pipeline) -> None:
    done = swept(alone, "", "--drop", "--yes")
    assert done.returncode == 2
    assert "standard input holds no list of pipelines" in done.stderr
    assert schemas(alone) == [alone.schema]
