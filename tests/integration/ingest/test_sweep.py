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

from ragwright_ingest.database import reconnect
from ragwright_ingest.removal.leftovers import SweepError, known_schemas
from ragwright_ingest.settings import Stores
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
    sure = ("--drop", "--cluster", "here", "--even-used")
    refused = swept(alone, listing(), *sure)
    assert refused.returncode == 2
    assert "add --yes" in refused.stderr
    assert alone.schema in schemas(alone)
    dropped = swept(alone, listing(), *sure, "--yes")
    assert f"dropped {alone.schema}" in dropped.stdout
    assert schemas(alone) == ["rag_of_somebody_else"]


def test_nothing_is_dropped_without_the_name_of_its_cluster(alone: Pipeline) -> None:
    """Also where all schemas are of one: the list may be that of another, and empty."""
    sure = ("--drop", "--yes", "--even-used")
    for cluster in ((), ("--cluster", "elsewhere")):
        unclear = swept(alone, listing(), *sure, *cluster)
        assert unclear.returncode == 2
        assert "--cluster here (kubectl get namespace kube-system" in unclear.stderr
    identity = alone.identity.model_copy(update={"cluster": "there", "name": "elsewhere"})
    replace(alone, identity=identity).build("r1")
    assert "--cluster here or there" in swept(alone, listing(), *sure).stderr
    assert len(schemas(alone)) == 2
    swept(alone, listing(), *sure, "--cluster", "there")
    assert schemas(alone) == [alone.schema]


def test_what_is_in_use_needs_a_second_word(alone: Pipeline) -> None:
    sure = ("--drop", "--yes", "--cluster", "here")
    recent = swept(alone, listing(), *sure)
    alone.rows(
        "UPDATE index_version SET started_at = now() - interval '2 days', "
        "swapped_at = now() - interval '2 days' RETURNING 1"
    )
    with reconnect(alone.stores.database_url, alone.identity):
        connected = swept(alone, listing(), *sure)
    alone.rows(
        "INSERT INTO index_version (reason, descriptor, manifest, documents) "
        "VALUES ('', '{}', '', 0) RETURNING 1"
    )
    building = swept(alone, listing(), *sure)
    alone.rows(
        "UPDATE index_version SET started_at = now() - interval '2 days', swapped_at = now() "
        "RETURNING 1"
    )
    swapped = swept(alone, listing(), *sure)
    alone.rows("UPDATE index_version SET swapped_at = now() - interval '2 days' RETURNING 1")

    for left, why in (
        (recent, "a build or swap within the last day"),
        (connected, "1 session"),
        (building, "a build or swap within the last day"),
        (swapped, "a build or swap within the last day"),
    ):
        assert left.returncode == 0
        assert f"{alone.schema} is in use ({why}) and was left; add --even-used" in left.stdout
        assert "dropped" not in left.stdout
    assert f"dropped {alone.schema}" in swept(alone, listing(), *sure).stdout
    assert schemas(alone) == []


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
