"""Ours: the load and index steps of the Jobs, and the retrieval of the API, on a real Postgres."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.eval.questions import Piece
from dev.stack import Stack
from ragwright_api.budget import Budget
from ragwright_api.lease import Lease, LiveVersion
from ragwright_api.logs import make_log
from ragwright_api.retrieval import Wanted
from ragwright_api.runtime import Runtime, runtime
from ragwright_api.search import Found
from ragwright_api.settings import Settings
from ragwright_core.cachekeys import normalize_question
from ragwright_core.filters import EVERYTHING
from ragwright_core.handover import ServeSettings
from ragwright_core.index.connect import prepare
from ragwright_core.spec import ConfigMapSource, RagPipelineSpec, Source
from ragwright_ingest import golive, steps
from ragwright_ingest.settings import Stores
from ragwright_ingest.sources.open import Folders

SOURCE = "corpus"


def pipeline(**groups: object) -> RagPipelineSpec:
    """Every document of a mounted folder; all else as by default but for `groups`."""
    source = Source(name=SOURCE, config_map=ConfigMapSource(name=SOURCE), include=["**/*"])
    return RagPipelineSpec.model_validate({"sources": [source], **groups})


def having(spec: RagPipelineSpec, retrieval: Mapping[str, float]) -> RagPipelineSpec:
    """The same with other weights."""
    return RagPipelineSpec.model_validate({**spec.model_dump(), "retrieval": retrieval})


def build(stack: Stack, corpus: Path, spec: RagPipelineSpec, request: str) -> None:
    """What the load and the index Job do, without a pod."""
    stores = Stores(stack.database_url, None)
    mounted, secrets = stack.folder / "sources", stack.folder / "secrets"
    for folder in (mounted, secrets, stack.folder / request):
        folder.mkdir(exist_ok=True)
    if not (mounted / SOURCE).exists():
        (mounted / SOURCE).symlink_to(corpus.resolve())
    order = stack.build_order(spec, request)
    steps.load(order, stores, Folders(stack.folder / request, secrets, mounted))
    report = golive.index(order, golive.Surroundings(stores, secrets))
    assert report.outcome == "swapped", report


@dataclass(frozen=True)
class Chunks:
    """Every chunk of the live version, in the order of the documents."""

    ids: Sequence[int]
    pieces: Sequence[Piece]
    texts: Sequence[str]
    vectors: np.typing.NDArray[np.float32]
    by_id: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_id.update({chunk: number for number, chunk in enumerate(self.ids)})


def read_chunks(stack: Stack, version: LiveVersion) -> Chunks:
    with stack.connect() as connection:
        prepare(connection, stack.identity.names.schema)
        rows = connection.execute(
            f"SELECT id, path, start_offset, end_offset, text, embedding "
            f"FROM chunks_v{int(version.number)} ORDER BY path, position"
        ).fetchall()
    ids, paths, starts, ends, texts, vectors = zip(*rows, strict=True)
    pieces = [Piece(*piece) for piece in zip(paths, starts, ends, strict=True)]
    return Chunks(ids, pieces, texts, np.stack([vector.to_numpy() for vector in vectors]))


@dataclass(frozen=True)
class Asker:
    """The API's own retrieval, asked without HTTP."""

    running: Runtime
    lease: Lease

    @property
    def version(self) -> LiveVersion:
        assert self.lease.version is not None
        return self.lease.version

    async def found(self, question: str, limit: int) -> Sequence[Found]:
        wanted = Wanted(normalize_question(question), EVERYTHING, limit, 0.0)
        retrieved = await self.running.service.retrieval.retrieve(self.lease, wanted, Budget(1.0))
        return retrieved.found

    async def vectors(self, questions: Sequence[str]) -> np.typing.NDArray[np.float32]:
        retrieval = self.running.service.retrieval
        embedder = await retrieval.embedder(self.version.descriptor.embedding)
        return await embedder.embed_queries([normalize_question(text) for text in questions])


@asynccontextmanager
async def asking(stack: Stack, spec: RagPipelineSpec) -> AsyncIterator[Asker]:
    settings = Settings(
        serve=ServeSettings.of(stack.identity, spec),
        database_url=lambda: stack.database_url,
        cache_url=None,
        secrets=stack.folder / "secrets",
    )
    async with runtime(settings, make_log(io.StringIO()), watch=_unwatched) as running:
        service = running.service
        lease = await service.reader.lease(service.clock())
        yield Asker(running, lease)


async def _unwatched(*_: object) -> None:
    """Nobody changes the model meanwhile."""
    await asyncio.Event().wait()
