"""The Secret that CloudNativePG writes is one that a pipeline can name as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ragwright_core.contract import DATABASE_URL_FILE_ENV
from ragwright_core.spec import RagPipelineSpec
from ragwright_core.stores import database_url
from tests.kit.examples import read

PASSWORD = "Xq0sDpcbR1r3"
HOST = "handbook-db-rw.team:5432"
# What release 1.28 writes for a Cluster `handbook-db` in namespace `team`, of its keys and forms.
SECRET = {
    "username": "app",
    "user": "app",
    "password": PASSWORD,
    "dbname": "app",
    "host": "handbook-db-rw",
    "port": "5432",
    "pgpass": f"handbook-db-rw:5432:app:app:{PASSWORD}\n",
    "uri": f"postgresql://app:{PASSWORD}@{HOST}/app",
    "jdbc-uri": f"jdbc:postgresql://{HOST}/app?password={PASSWORD}&user=app",
    "fqdn-uri": f"postgresql://app:{PASSWORD}@handbook-db-rw.team.svc.cluster.local:5432/app",
}
PAGE = Path("docs/howto/own-postgres.md").read_text()


def cluster() -> dict[str, Any]:
    """The Cluster that the page shows."""
    text = PAGE.partition("```yaml\napiVersion: postgresql.cnpg.io")[2].partition("```")[0]
    return dict(yaml.safe_load(f"apiVersion: postgresql.cnpg.io{text}"))


def test_the_examples_key_holds_a_url_that_jobs_and_api_take(tmp_path: Path) -> None:
    named = RagPipelineSpec.model_validate(read(Path("examples/cloudnativepg.yaml"))["spec"])
    key = named.database.secret_key_ref
    assert key is not None
    assert key.name == f"{cluster()['metadata']['name']}-app"
    for written in (key.key, "fqdn-uri"):
        file = tmp_path / written
        file.write_text(SECRET[written])
        url = database_url({DATABASE_URL_FILE_ENV: str(file)})
        assert url is not None
        assert url() == SECRET[written]


def test_the_cluster_has_the_extension_before_its_role_needs_it() -> None:
    database = cluster()["spec"]["bootstrap"]["initdb"]
    assert (database["database"], database["owner"]) == (SECRET["dbname"], SECRET["user"])
    assert database["postInitApplicationSQL"] == ["CREATE EXTENSION IF NOT EXISTS vector"]
    assert database["encoding"] == "UTF8"
