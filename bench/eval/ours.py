"""Ours: the load and index steps of the Jobs, and the retrieval of the API, on a real Postgres."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.eval.questions import Piece
from dev.loopback import LOOPBACK
from dev.stack import Stack
from ragwright_api.caching.breaker import Budget
from ragwright_api.index.lease import LiveVersion
from ragwright_api.retrieval.question import Question
from ragwright_api.settings import Settings
from ragwright_api.telemetry.logs import make_log
from ragwright_api.wiring import Runtime, runtime
from ragwright_core.index.connect import prepare
from ragwright_core.index.search.found import Found, Wanted
from ragwright_core.serving import ServeSettings
from ragwright_core.spec import ConfigMapSource, RagPipelineSpec, Source
from ragwright_ingest.commands.index import index
from ragwright_ingest.commands.load import load
from ragwright_ingest.settings import Stores
from ragwright_ingest.surroundings import Folders, Surroundings

SOURCE = "corpus"


def pipeline(**groups: object) -> RagPipelineSpec:
    """Every document of a mounted folder; all else as by default but for `groups`."""
    source = Source(name=SOURCE, config_map=ConfigMapSource(name=SOURCE), include=["**/*"])
    return RagPipelineSpec.model_validate({"sources": [source], **groups})


def having(spec: RagPipelineSpec, retrieval: Mapping[str, float]) -> RagPipelineSpec:
    """The same with other weights."""
    return RagPipelineSpec.model_validate({**spec.model_dump(), "retrieval": retrieval})


def build(stack: Stack, corpus: Path, spec: RagPipelineSpec, request: str) -> None:
    """Do the work of the load and the index Job without a pod."""
    stores = Stores(stack.database_url, None)
    mounted, secrets = stack.folder / "sources", stack.folder / "secrets"
    for folder in (mounted, secrets, stack.folder / request):
        folder.mkdir(exist_ok=True)
    if not (mounted / SOURCE).exists():
        (mounted / SOURCE).symlink_to(corpus.resolve())
    order = stack.build_order(spec, request)
    folders = Folders(stack.folder / request, secrets, mounted)
    around = Surroundings(stores, folders, LOOPBACK)
    load(order, around)
    report = index(order, around)
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
    version: LiveVersion

    async def found(self, question: str, limit: int) -> Sequence[Found]:
        as_set = Wanted.of(self.running.public.own, question)
        asked = Question(question, replace(as_set, top_k=limit, score_threshold=0.0))
        retrieval = self.running.public.search.retrieval
        retrieved = await retrieval.retrieve(asked, self.version, Budget(1.0))
        return retrieved.found

    async def vectors(self, questions: Sequence[str]) -> np.typing.NDArray[np.float32]:
        embedder = await self.running.embedders.get(self.version.descriptor.embedding)
        return await embedder.embed_queries([text.strip() for text in questions])


@asynccontextmanager
async def asking(stack: Stack, spec: RagPipelineSpec) -> AsyncIterator[Asker]:
    settings = Settings(
        serve=ServeSettings.of(stack.identity, spec),
        database_url=lambda: stack.database_url,
        cache_url=None,
        secrets=stack.folder / "secrets",
    )
    log = make_log(io.StringIO())
    async with runtime(settings, log, watch=_unwatched, network=LOOPBACK) as running:
        lease = await running.public.ask.reader.lease_now()
        assert lease.version is not None
        yield Asker(running, lease.version)


async def _unwatched(*_: object) -> None:
    """Does not check the model, because nobody changes it meanwhile."""
    await asyncio.Event().wait()
